/** How a node treats the sessions of its receivers. Defaults are those of the configuration, docs/configuration.md. */
export interface SessionOptions {
  /** Least time between two flushes of one session. */
  readonly flushIntervalMs: number
  /** The shortest pulse interval granted; 0 passes each pulse on as it comes. */
  readonly pulseIntervalMs: number
  /** After how long without a fresh pulse a receiver takes its data for stale, at the shortest pulse interval. */
  readonly staleAfterMs: number
  readonly messageBytesMax: number
  /** Messages and pings that a receiver may send in a second, on average; 0: no limit. */
  readonly messagesPerSecondMax: number
  /** Symbols per session, over all its subscriptions. */
  readonly subscriptionsMax: number
  /** Of them, those of which no record is known. */
  readonly unknownSymbolsMax: number
  /** Patterns of one feed per session, over all its subscriptions. */
  readonly patternsMax: number
  /** Different patterns of one feed, over all sessions. */
  readonly feedPatternsMax: number
  /** Bytes on their way to one receiver, at most. */
  readonly outboundBytesMax: number
  /** A receiver that takes nothing for so long counts as stalled: it is named, logged and counted. */
  readonly stallAfterMs: number
  /** A receiver whose window has been zero for so long is cut. */
  readonly stuckTimeoutMs: number
  /** A receiver that takes nothing for so long is cut. */
  readonly ackTimeoutMs: number
  readonly helloTimeoutMs: number
  readonly sessionsMax: number
  /** How many receivers are asked to move in a second, when the node drains or has more than its share. */
  readonly drainPerSecond: number
}
