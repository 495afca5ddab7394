import * as z from 'zod'
import { bytes, count, durationMs } from '../fields.ts'

interface SessionDefaults {
  readonly flushIntervalMs: number
  readonly pulseIntervalMs: number
  readonly staleAfterMs: number
  readonly messageBytesMax: number
  readonly messagesPerSecondMax: number
  readonly subscriptionsMax: number
  readonly unknownSymbolsMax: number
  readonly patternsMax: number
  readonly feedPatternsMax: number
  readonly outboundBytesMax: number
  readonly stallAfterMs: number
  readonly stuckTimeoutMs: number
  readonly ackTimeoutMs: number
  readonly sessionsMax: number
}

const KIB = 1024
/** With two round trips and the intervals of pulses and checks, a stall is noticed within 3 s. */
const STALL_AFTER_MS = 1_250
/** Noticed and cut within 5 s, with the interval of pulses. */
const STUCK_TIMEOUT_MS = 4_000
const MIB = KIB * KIB

/** Between push node and gateway: few sessions, each with very many symbols. */
export const INNER_SESSION: SessionDefaults = {
  // Few sessions: writes cost little, and what waits here waits for every client.
  flushIntervalMs: 2,
  pulseIntervalMs: 0,
  staleAfterMs: 1_500,
  messageBytesMax: MIB,
  // Gateways are trusted, and say what all of their clients want.
  messagesPerSecondMax: 0,
  subscriptionsMax: 2_000_000,
  unknownSymbolsMax: 500_000,
  // What a gateway holds for its clients, of many feeds.
  patternsMax: 10_000,
  feedPatternsMax: 100_000,
  outboundBytesMax: 16 * MIB,
  stallAfterMs: STALL_AFTER_MS,
  stuckTimeoutMs: STUCK_TIMEOUT_MS,
  // A gateway that takes nothing for so long is frozen or cut off: its clients have left it by then.
  ackTimeoutMs: 5_000,
  sessionsMax: 1_000,
}

/** Between gateway and client: very many sessions, each with few symbols. */
export const CLIENT_SESSION: SessionDefaults = {
  flushIntervalMs: 10,
  pulseIntervalMs: 1_000,
  staleAfterMs: 2_500,
  messageBytesMax: 16 * KIB,
  // Far above what acknowledgements take: at most one for each message that is sent, and those are 100 a second.
  messagesPerSecondMax: 500,
  subscriptionsMax: 5_000,
  // More than a day has that begins without records; few enough for memory when names are made up.
  unknownSymbolsMax: 5_000,
  // Every node on the way holds each against all symbols of its feed: once when it is asked for, and each that appears.
  patternsMax: 16,
  feedPatternsMax: 500,
  outboundBytesMax: MIB,
  stallAfterMs: STALL_AFTER_MS,
  stuckTimeoutMs: STUCK_TIMEOUT_MS,
  // A phone in a tunnel, a thin line with a large snapshot on it.
  ackTimeoutMs: 15_000,
  sessionsMax: 50_000,
}

export function sessionSection(defaults: SessionDefaults) {
  return z
    .strictObject({
      flushIntervalMs: durationMs(
        'How long updates for a busy session are collected, from the first that waits; an idle session is written to at once. Under load it grows by itself, up to threefold.',
        {
          default: defaults.flushIntervalMs,
          max: 1_000,
        },
      ),
      pulseIntervalMs: durationMs(
        'Shortest interval of pulses that a receiver is granted. Below 200 a receiver that asks for it gets each pulse as it comes.',
        {
          default: defaults.pulseIntervalMs,
          min: 0,
          max: 60_000,
        },
      ),
      staleAfterMs: durationMs(
        'After this long without a newer pulse a receiver must call its data stale. Grows with the interval for one that asked for fewer pulses.',
        { default: defaults.staleAfterMs, min: 100, max: 600_000 },
      ),
      messageBytesMax: bytes('Largest message that a receiver may send; a larger one closes the session with 1009.', {
        default: defaults.messageBytesMax,
        min: KIB,
        max: 64 * MIB,
      }),
      messagesPerSecondMax: count(
        'Messages, WebSocket pings and pongs, and further parts of messages that a receiver may send in a second, on average over ten; who sends more is closed with 4005. 0: no limit.',
        { default: defaults.messagesPerSecondMax, min: 0, max: 1_000_000 },
      ),
      subscriptionsMax: count('Symbols that one session may hold, over all its subscriptions.', {
        default: defaults.subscriptionsMax,
        max: 10_000_000,
      }),
      unknownSymbolsMax: count(
        'Of these, symbols of which no record is known; further ones are refused with `symbol_unknown`. They do not count in `symbolsMax` of the feed.',
        { default: defaults.unknownSymbolsMax, max: 10_000_000 },
      ),
      patternsMax: count('Patterns of one feed that one session may hold, those in groups too. Each counts as a symbol as well.', {
        default: defaults.patternsMax,
        max: 1_000_000,
      }),
      feedPatternsMax: count(
        'Different patterns of one feed that all sessions together may hold; what several ask for counts once. Each is asked of every push node.',
        { default: defaults.feedPatternsMax, max: 1_000_000 },
      ),
      outboundBytesMax: bytes(
        'Bytes written to a session and not yet taken by its receiver, at which writing to it pauses and its updates conflate.',
        {
          default: defaults.outboundBytesMax,
          min: 16 * KIB,
          max: 1024 * MIB,
        },
      ),
      stallAfterMs: durationMs(
        'A receiver that acknowledges nothing for this long, beyond two of its round trips, counts as stalled: log and counters say whether its window is zero, it is frozen, or the connection is half-open.',
        { default: defaults.stallAfterMs, min: 500, max: 600_000 },
      ),
      stuckTimeoutMs: durationMs(
        'A receiver that acknowledges nothing, and whose host says for this long that it has no room left (zero window), is closed with 4101: its line is well, its process reads nothing.',
        { default: defaults.stuckTimeoutMs, min: 1_000, max: 600_000 },
      ),
      ackTimeoutMs: durationMs('A receiver that acknowledges nothing for this long is closed with 4101.', {
        default: defaults.ackTimeoutMs,
        min: 1_000,
        max: 600_000,
      }),
      helloTimeoutMs: durationMs('A receiver that says no hello for this long is closed with 4103.', {
        default: 5_000,
        min: 100,
        max: 60_000,
      }),
      sessionsMax: count('Sessions held at once; a further one is closed with 4100.', { default: defaults.sessionsMax, max: 1_000_000 }),
      drainPerSecond: count(
        'How many receivers are asked to move in a second, when the node drains or has more than its share. A drain hurries where they would not all be asked in half of its time.',
        { default: 500, max: 100_000 },
      ),
    })
    .prefault({})
    .describe('Limits and intervals of each downstream session.')
}
