import { bytesToBase64, formatPosition, type ControlFrame, type FieldValue, type Position } from '@pulsewire/protocol'
import type { EncodedPulse, Entry, Feed, HistoryItem, View } from '../hub/index.ts'
import type { Composer } from './composer.ts'

interface State extends Position {
  readonly ts: number
  readonly prev: number
  readonly raw: Uint8Array | null
  readonly deleted: boolean
  readonly values: readonly (FieldValue | undefined)[]
}

/** What follows `ref`, `n` and `snapshot` is the same for every receiver with the same view, so that text is shared. */
export class JsonComposer implements Composer {
  readonly encoding = 'pulsewire.json.v1'
  updates = 0
  sampledOf: Feed | null = null
  sampledTs = 0
  #frames: string[] = []
  #size = 0

  begin(): void {
    this.#frames = []
    this.#size = 0
    this.sampledOf = null
  }

  get size(): number {
    return this.#size
  }

  control(frame: ControlFrame): void {
    this.#push(JSON.stringify(frame))
  }

  latest(entry: Entry): boolean {
    const { symbol } = entry
    const { view } = entry.subscription
    if (!entry.whole && !hasNews(entry)) return false
    let tail = symbol.encoded.json(view)
    if (tail === undefined) {
      tail = tailOf(symbol.feed, symbol.name, symbol, view)
      symbol.encoded.setJson(view, tail)
    }
    this.#update(entry.ref, entry.held < 0 ? 0 : symbol.count - entry.held, entry.whole && !symbol.deleted, tail)
    return true
  }

  item(entry: Entry, item: HistoryItem, whole: boolean, n: number): void {
    const { view, feed } = entry.subscription
    let tail = item.encoded.json(view)
    if (tail === undefined) {
      tail = tailOf(feed, entry.symbol.name, item, view)
      item.encoded.setJson(view, tail)
    }
    this.#update(entry.ref, n, whole && !item.deleted, tail)
  }

  pulse(frame: EncodedPulse): void {
    this.#push(frame.text)
  }

  mark(mark: number): void {
    this.#push(`{"t":"mark","mark":${mark}}`)
  }

  finish(): string {
    return `[${this.#frames.join(',')}]`
  }

  #update(ref: number, n: number, snapshot: boolean, tail: string): void {
    this.updates++
    this.#push(`{"t":"update","ref":${ref}${n === 1 ? '' : `,"n":${n}`}${snapshot ? ',"snapshot":true' : ''}${tail}`)
  }

  #push(frame: string): void {
    this.#frames.push(frame)
    this.#size += frame.length + 1
  }
}

/** Whether a field of the entry's view changed since what the receiver holds. */
function hasNews({ symbol, held, subscription: { view } }: Entry): boolean {
  if (view.names === null || symbol.deleted || symbol.raw !== null) return true
  const changedAt = symbol.changedAt!
  for (let i = 0; i < changedAt.length; i++) if (changedAt[i]! > held && view.includes(i)) return true
  return false
}

function tailOf(feed: Feed, symbol: string, state: State, view: View): string {
  const head = `,"symbol":${JSON.stringify(symbol)},"position":"${formatPosition(state)}","ts":${Math.round(state.ts)}`
  const prev = state.prev >= 0 ? `,"prev":${state.prev}` : ''
  if (state.deleted) return `${head}${prev},"deleted":true}`
  if (state.raw !== null) return `${head}${prev},"raw":"${bytesToBase64(state.raw)}"}`
  const members: string[] = []
  state.values.forEach((value, index) => {
    if (value !== undefined && view.includes(index))
      members.push(`${JSON.stringify(feed.dictionary.fields[index]!.name)}:${JSON.stringify(value)}`)
  })
  return `${head}${prev},"values":{${members.join(',')}}}`
}
