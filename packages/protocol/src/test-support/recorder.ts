import type { Decoder, FrameHandler, ReceivedImage } from '../decoder.ts'
import { createDecoder } from '../decoders.ts'
import type { ControlFrame, Encoding, FieldValue, PulseFrame } from '../frames.ts'

/** An update as a receiver sees it, with names instead of the decoder's own indexes. */
export interface SeenUpdate {
  readonly ref: number
  readonly symbol: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly n: number
  readonly prev: number
  readonly snapshot: boolean
  readonly deleted: boolean
  readonly raw: Uint8Array | null
  readonly values: ReadonlyMap<string, FieldValue>
  readonly changed: ReadonlySet<string>
}

/** A receiver that keeps what it was told, and opens and closes refs as its sender answers. */
export class Recorder implements FrameHandler {
  readonly decoder: Decoder
  readonly updates: SeenUpdate[] = []
  readonly pulses: PulseFrame[] = []
  readonly controls: ControlFrame[] = []
  readonly #feedOf: (id: number) => number
  readonly #rows = new Map<number, { readonly id: number; readonly symbol: string }>()

  /** @param feedOf the feed index that was subscribed to under an id. */
  constructor(encoding: Encoding, feedOf: (id: number) => number = () => 0) {
    this.decoder = createDecoder(encoding)
    this.#feedOf = feedOf
  }

  receive(message: Uint8Array | string): void {
    this.decoder.decode(message, this)
  }

  onUpdate(image: ReceivedImage): void {
    this.updates.push(this.#see(image))
  }

  onPulse(frame: PulseFrame): void {
    this.pulses.push(frame)
  }

  onControl(frame: ControlFrame): void {
    this.controls.push(frame)
    if (frame.t === 'subscribed') {
      for (const [symbol, ref] of frame.ok ?? []) {
        this.decoder.open(ref, this.#feedOf(frame.id))
        this.#rows.set(ref, { id: frame.id, symbol })
      }
    } else if (frame.t === 'unsubscribed') for (const symbol of frame.ok) this.#close(frame.id, symbol)
    else if (frame.t === 'ended') for (const [symbol] of frame.symbols) this.#close(frame.id, symbol)
  }

  image(ref: number): SeenUpdate | undefined {
    const image = this.decoder.image(ref)
    return image === undefined ? undefined : this.#see(image)
  }

  #close(id: number, symbol: string): void {
    for (const [ref, row] of this.#rows) {
      if (row.id !== id || row.symbol !== symbol) continue
      this.decoder.close(ref)
      this.#rows.delete(ref)
    }
  }

  #see(image: ReceivedImage): SeenUpdate {
    const names = this.decoder.fieldNames(image.feedIndex)
    const values = new Map<string, FieldValue>()
    image.values.forEach((value, index) => {
      if (value !== undefined) values.set(names[index]!, value)
    })
    const { ref, generation, partition, offset, ts, n, prev, snapshot, deleted, raw } = image
    const changed = new Set(image.changed.map((index) => names[index]!))
    return { ref, symbol: this.#rows.get(ref)!.symbol, generation, partition, offset, ts, n, prev, snapshot, deleted, raw, values, changed }
  }
}
