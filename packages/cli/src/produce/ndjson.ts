import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { LINE_CHARS_MAX, type OnBadLine, type Quote, symbolProblem } from './quote.ts'

/** Quotes of a file with one JSON object per line: the symbol, and its fields beside it. A bad line is reported and skipped. */
export async function* readNdjson(input: Readable, keyField: string, onBadLine: OnBadLine): AsyncGenerator<Quote> {
  let number = 0
  for await (const line of linesOf(input)) {
    number++
    const text = number === 1 ? line.replace(/^\uFEFF/, '') : line
    if (text.trim() === '') continue
    const quote = parseLine(text, keyField)
    if (typeof quote === 'string') onBadLine(number, quote)
    else yield quote
  }
}

async function* linesOf(input: Readable): AsyncGenerator<string> {
  // An error of the stream does not reach the iterator by itself.
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  input.once('error', failed.reject)
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed.promise])
      if (next.done === true) {
        if (input.errored !== null) throw input.errored
        return
      }
      yield next.value
    }
  } finally {
    input.destroy()
  }
}

/** @returns the quote, or what is wrong with the line. */
function parseLine(line: string, keyField: string): Quote | string {
  if (line.length > LINE_CHARS_MAX) return `longer than ${LINE_CHARS_MAX} characters`
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return `no JSON: ${(error as Error).message}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no JSON object'
  const { [keyField]: symbol, ...values } = value as Record<string, unknown>
  return symbolProblem(symbol, keyField) ?? { symbol: symbol as string, values }
}
