/** What can happen to a session. docs/sessions.md says what each means. */
export const SESSION_EVENTS = [
  'connected',
  'subscribed',
  'unsubscribed',
  'refused',
  'repaired',
  'slow',
  'caught_up',
  'stalled',
  'resumed',
  'asked_to_move',
  'closed',
  'feed_stale',
  'feed_live',
] as const
export type SessionEventKind = (typeof SESSION_EVENTS)[number]

export interface SessionEvent {
  /** Unix time in ms, by the node's steady clock. */
  readonly at: number
  readonly node: string
  /** Empty: of the node, and so of every session that it had then. */
  readonly session: string
  readonly user: string
  readonly what: SessionEventKind
  /** For people. */
  detail: string
  /** How often it happened, one right after the other. */
  times: number
}

/** Of whom something is written down. */
export interface Noted {
  readonly id: string
  readonly user: string
}

/** Where sessions have written down what happens to them. */
export interface SessionNotes {
  /** @param session `null`: it happens to all that the node has. */
  note(session: Noted | null, what: SessionEventKind, detail: string): void
}
