import { fstatSync, writeSync } from 'node:fs'

/** Lines that a full pipe may hold back here, in bytes; what comes beyond is dropped and counted. */
const QUEUE_BYTES_MAX = 256 * 1024
/** How soon a pipe that was full is tried again. */
const RETRY_MS = 100
const NEWLINE = 10

export interface LogSinkOptions {
  /** Writes some of the bytes, at once, and returns how many; throws as `fs.writeSync` does. */
  readonly writeSome: (bytes: Uint8Array) => number
  /** What is written, once writing works again, about the lines that were lost. */
  readonly describeDrops: (lines: number, why: string) => string
}

/**
 * Takes log lines and never harms who writes them: a full disk, a reader that is gone and one that reads nothing cost
 * lines, which are counted and told of once writing works again. Nothing waits for the reader, and memory is bounded.
 */
export class LogSink {
  /** Lines lost since the start. */
  dropped = 0
  readonly #options: LogSinkOptions
  #queue: Buffer[] = []
  #queuedBytes = 0
  #untold = 0
  #why = ''
  /** False while what was written last is the first part of a line. */
  #endsLine = true
  #retry: NodeJS.Timeout | null = null

  constructor(options: LogSinkOptions) {
    this.#options = options
  }

  write(line: string): void {
    this.flush()
    if (this.#untold > 0) this.#tell()
    if (!this.#put(Buffer.from(line))) {
      this.dropped++
      this.#untold++
    }
  }

  /** Tries once more to write what waits: before the process ends. */
  flush(): void {
    while (this.#queue.length > 0) {
      const first = this.#queue.shift()!
      this.#queuedBytes -= first.length
      const left = this.#writeAll(first)
      if (left === 'failed') {
        this.dropped++
        this.#untold++
      } else if (left.length > 0) return this.#hold(left, true)
    }
  }

  /** A notice that is lost itself is told again. */
  #tell(): void {
    const told = this.#untold
    this.#untold = 0
    // A disk that fills up takes part of a line: the notice must not be its end.
    const notice = `${this.#endsLine ? '' : '\n'}${this.#options.describeDrops(told, this.#why)}`
    if (!this.#put(Buffer.from(notice))) this.#untold += told
  }

  /** @returns whether the bytes are written, or wait to be. */
  #put(bytes: Buffer): boolean {
    if (this.#queue.length > 0 && this.#queuedBytes + bytes.length > QUEUE_BYTES_MAX) {
      this.#why = 'the reader takes nothing'
      return false
    }
    const left = this.#queue.length > 0 ? bytes : this.#writeAll(bytes)
    if (left === 'failed') return false
    if (left.length > 0) this.#hold(left, false)
    return true
  }

  /** @returns what a full pipe did not take. */
  #writeAll(bytes: Buffer): Buffer | 'failed' {
    let left = bytes
    while (left.length > 0) {
      try {
        const taken = this.#options.writeSome(left)
        if (taken > 0) this.#endsLine = left[taken - 1] === NEWLINE
        left = left.subarray(taken)
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        if (code === 'EAGAIN') return left
        this.#why = code ?? message
        return 'failed'
      }
    }
    return left
  }

  #hold(bytes: Buffer, isFirst: boolean): void {
    if (isFirst) this.#queue.unshift(bytes)
    else this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#retry ??= setTimeout(() => {
      this.#retry = null
      this.flush()
    }, RETRY_MS).unref()
  }
}

/** Standard error. A pipe is made non-blocking, or a log collector that hangs would hang the node with it. */
export function standardErrorSink(describeDrops: LogSinkOptions['describeDrops']): LogSink {
  const kind = fstatSync(2, { throwIfNoEntry: false })
  // Node opens a pipe as non-blocking as soon as its stream is asked for. Its own warnings may still go that way:
  // without a listener their failure would end the process.
  if (kind !== undefined && !kind.isFile()) process.stderr.on('error', () => {})
  const sink = new LogSink({ writeSome: (bytes) => writeSync(2, bytes), describeDrops })
  process.on('exit', () => sink.flush())
  return sink
}
