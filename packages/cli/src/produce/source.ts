import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { ProduceError } from './errors.ts'
import { readCsv } from './csv.ts'
import { marketQuotes } from './market.ts'
import { readNdjson } from './ndjson.ts'
import type { OnBadLine, Quote } from './quote.ts'

export interface Source extends AsyncIterable<Quote> {
  readonly badLines: number
}

export interface SourceOptions {
  readonly file?: string
  readonly symbols: number
  readonly seed: number
  readonly rate: number
  readonly keyField: string
  readonly loop: boolean
}

/** A looped file of no more quotes is kept instead of being read again and again. */
const HELD_MAX = 50_000

/** After so many bad lines, only their number is told. */
const BAD_LINES_TOLD = 10

/** A source that reads as it goes: a file of any size takes the same memory. */
export function openSource(options: SourceOptions, onBadLine: OnBadLine): Source {
  return new CountingSource(options, onBadLine)
}

class CountingSource implements Source {
  badLines = 0
  readonly #options: SourceOptions
  readonly #onBadLine: OnBadLine

  constructor(options: SourceOptions, onBadLine: OnBadLine) {
    this.#options = options
    this.#onBadLine = onBadLine
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Quote> {
    const { file, loop } = this.#options
    if (file === undefined) return yield* marketQuotes(this.#options)
    let held: Quote[] | undefined = loop ? [] : undefined
    let found = 0
    for await (const quote of this.#readFile(file, this.#bad)) {
      found++
      if (held?.push(quote) === HELD_MAX) held = undefined
      yield quote
    }
    if (found === 0) throw new ProduceError('produce_empty', `${file} holds no usable quote`)
    // Its bad lines have been told of.
    while (loop) yield* held ?? this.#readFile(file, () => {})
  }

  #readFile(file: string, onBadLine: OnBadLine): AsyncIterable<Quote> {
    const read = { '.csv': readCsv, '.ndjson': readNdjson, '.jsonl': readNdjson }[extname(file).toLowerCase()]
    if (read === undefined) throw new ProduceError('produce_format', `${file} ends in none of .csv, .ndjson, .jsonl`)
    return read(createReadStream(file), this.#options.keyField, onBadLine)
  }

  readonly #bad: OnBadLine = (line, reason) => {
    this.badLines++
    if (this.badLines <= BAD_LINES_TOLD) this.#onBadLine(line, reason)
    if (this.badLines === BAD_LINES_TOLD) this.#onBadLine(line, 'further bad lines are only counted')
  }
}
