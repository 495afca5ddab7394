/** One event of a stream: its name, `message` where it has none, and its data. */
export type OnEvent = (name: string, data: string) => void

/**
 * Reads `text/event-stream` as it comes in. Of its grammar: events, data, comments; `id` and `retry` say nothing here.
 * @throws RangeError when an event is longer than `lengthMax`.
 */
export class EventStream {
  readonly #onEvent: OnEvent
  readonly #lengthMax: number
  #rest = ''
  #name = ''
  #data: string | undefined

  constructor(onEvent: OnEvent, lengthMax: number) {
    this.#onEvent = onEvent
    this.#lengthMax = lengthMax
  }

  push(text: string): void {
    // Only what is new can hold the end of a line.
    let from = this.#rest.length
    const all = this.#rest + text
    let start = 0
    for (;;) {
      const end = all.indexOf('\n', from)
      if (end < 0) break
      this.#line(all.slice(start, all[end - 1] === '\r' ? Math.max(start, end - 1) : end))
      from = start = end + 1
    }
    this.#rest = all.slice(start)
    if (this.#rest.length + (this.#data?.length ?? 0) > this.#lengthMax) throw new RangeError('an event is too long')
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data !== undefined) this.#onEvent(this.#name || 'message', this.#data)
      this.#name = ''
      this.#data = undefined
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#name = value
    else if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
  }
}
