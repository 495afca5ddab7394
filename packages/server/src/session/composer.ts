import type { ControlFrame, Encoding } from '@pulsewire/protocol'
import type { EncodedPulse, Entry, Feed, HistoryItem } from '../hub/index.ts'

/** What a receiver has been told of field dictionaries: per feed index the revision. */
export type DictionaryKnowledge = number[]

/** Puts frames of one flush into one message. One composer serves all sessions of an encoding, one after the other. */
export interface Composer {
  readonly encoding: Encoding
  /** Updates composed since the start. */
  readonly updates: number
  /**
   * Of the first update of this message whose time tells how long it was on its way: its feed, and the time of its record.
   * `writeEntry` puts it here; `null`: there was none.
   */
  sampledOf: Feed | null
  sampledTs: number
  /** Starts a message for a session. */
  begin(known: DictionaryKnowledge): void
  /** Size so far, in bytes (of text: in characters). */
  readonly size: number
  control(frame: ControlFrame): void
  /** Writes the symbol's newest state for what the entry holds. @returns false when its view has nothing new. */
  latest(entry: Entry): boolean
  /** Writes one record of an `every` feed. `whole`: not as a change of the record before it. */
  item(entry: Entry, item: HistoryItem, whole: boolean, n: number): void
  pulse(frame: EncodedPulse): void
  mark(mark: number): void
  finish(): Uint8Array | string
}
