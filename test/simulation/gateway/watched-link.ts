import type { ControlFrame, PulseFrame, ReceivedImage, UpstreamFrame } from '@pulsewire/protocol'
import { HopMonitor, type HopOptions } from '../../support/checker/hop-monitor.ts'
import type { GapWatch } from './gap-watch.ts'

/** What a link is known to bring of a symbol. */
interface Held {
  /** Ids under which it was asked for and has not been answered. */
  readonly asked: Set<number>
  /** It was answered, and no gap was told since. */
  answered: boolean
  /** Since when it has covered the symbol without interruption; `null`: it does not. */
  coveringSince: number | null
  /** Index of the newest record that it brought. */
  newest: number
}

/**
 * A link of the gateway, held to protocol.md as any receiver's session, of which it is known what it covers: a symbol
 * counts from the first pulse behind its answer, until it is asked for again, let go, or the link tells a gap.
 */
export class WatchedLink extends HopMonitor {
  readonly #node: string
  readonly #gaps: GapWatch
  readonly #symbols = new Map<string, Held>()

  constructor(node: string, gaps: GapWatch, options: HopOptions) {
    super(options)
    this.#node = node
    this.#gaps = gaps
  }

  override sent(data: Uint8Array | string): UpstreamFrame[] {
    const frames = super.sent(data)
    for (const frame of frames) {
      if (frame.t !== 'subscribe' && frame.t !== 'unsubscribe') continue
      for (const name of frame.symbols ?? this.#symbols.keys()) {
        const held = this.#interrupt(name)
        if (frame.t === 'unsubscribe') held.answered = false
        else if (frame.symbols !== undefined) held.asked.add(frame.id)
      }
    }
    return frames
  }

  override onControl(frame: ControlFrame): void {
    super.onControl(frame)
    if (frame.t === 'subscribed') for (const [name] of frame.ok ?? []) this.#answered(frame.id, name)
    else if (frame.t === 'gap') this.#interrupt(this.rows.get(frame.ref)!.name).answered = false
    else if (frame.t === 'ended') for (const [name] of frame.symbols) this.#interrupt(name).answered = false
  }

  override onUpdate(image: ReceivedImage): void {
    super.onUpdate(image)
    const row = this.rows.get(image.ref)!
    const held = this.#of(row.name)
    const index = row.heldIndex
    if (index <= held.newest) return
    held.newest = index
    this.#gaps.brought(row.name, { node: this.#node, index, at: this.#gaps.tick(), coveringSince: held.coveringSince })
  }

  override onPulse(frame: PulseFrame): void {
    super.onPulse(frame)
    const now = this.#gaps.tick()
    for (const held of this.#symbols.values()) if (held.answered && held.asked.size === 0) held.coveringSince ??= now
  }

  #answered(id: number, name: string): void {
    const held = this.#interrupt(name)
    held.asked.delete(id)
    held.answered = true
  }

  #interrupt(name: string): Held {
    const held = this.#of(name)
    held.coveringSince = null
    return held
  }

  #of(name: string): Held {
    let held = this.#symbols.get(name)
    if (held === undefined) this.#symbols.set(name, (held = { asked: new Set(), answered: false, coveringSince: null, newest: -1 }))
    return held
  }
}
