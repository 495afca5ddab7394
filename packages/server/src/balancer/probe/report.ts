/** What a synthetic client has seen of one gateway. Times are this balancer's steady clock. */

/** `connecting`: no attempt has failed since the last session, or there was none yet. `failed`: the last attempt did. */
export type ProbeState = 'connecting' | 'open' | 'failed'

/** The newest pulse of one partition. */
export interface HeardPulse {
  readonly offset: number
  /** When it came. */
  readonly heardAtMs: number
  /** How old it was then: since it was written into the log. */
  readonly ageMs: number
  /**
   * How much of that was on the way: until it arrived at the gateway, and from the gateway to here. The rest is how long it
   * waited for the turn of this connection, which is drawn when it is opened and tells nothing of the gateway.
   */
  readonly delayMs: number
}

/** One generation of a feed, as the gateway passes it on. */
export interface HeardGeneration {
  /** 0 while the gateway does not know. */
  readonly partitions: number
  /** When the topic was given more partitions, and how many there were before; `null`: it never was. */
  readonly grown: { readonly atMs: number; readonly before: number } | null
  readonly pulses: ReadonlyMap<number, HeardPulse>
}

export interface HeardFeed {
  /** The gateway's own. */
  readonly generation: number
  /** The newest two at most, so that a feed that moves is proven throughout. */
  readonly generations: ReadonlyMap<number, HeardGeneration>
  /** What the gateway itself says is wrong: hop, reason and message of its last `stale`; `null` when nothing is. */
  readonly complaint: string | null
}

/** Whether somebody new is let in, as new sessions have found out that leave at once. */
export interface EntryReport {
  /** When the last one was let in, and served. */
  readonly enteredAtMs: number
  /** Why the newest was not; `null`: it was. */
  readonly failure: string | null
  /** When the first came of those that are not served since; `null`: there are none. */
  readonly unservedSinceMs: number | null
  /** One has to be within this. */
  readonly withinMs: number
}

export interface ProbeReport {
  /** The address that is probed: the first of those advertised. */
  readonly address: string
  readonly state: ProbeState
  /** Since when. */
  readonly sinceMs: number
  /** Why the last attempt, or the last session, ended; `null` before. */
  readonly failure: string | null
  /** Attempts that failed since the last welcome. */
  readonly failures: number
  /** Who answered last; `null` before anybody did. */
  readonly peer: { readonly node: string; readonly role: string; readonly version: string } | null
  /** Of those who came anew beside the probe's own session; `null`: nobody has yet. */
  readonly entry: EntryReport | null
  /** When anything came last. */
  readonly heardAtMs: number
  /** The shortest of the newest round trips; `null` while there is none. */
  readonly roundTripMs: number | null
  /** How often the gateway grants a pulse, in ms. */
  readonly pulseIntervalMs: number
  readonly feeds: ReadonlyMap<string, HeardFeed>
}
