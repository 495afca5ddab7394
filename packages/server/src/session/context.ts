import { PROTOCOL_VERSION, type TokenCode, type WelcomeFrame } from '@pulsewire/protocol'
import type { Access } from '../access/index.ts'
import type { Asks } from '../diagnosis/index.ts'
import type { SessionNotes } from '../history/index.ts'
import type { Hub } from '../hub/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { StallKind } from '../runtime/stall.ts'
import type { Composer } from './composer.ts'
import type { SessionCounts, SessionEnd } from './counts.ts'
import type { SessionOptions } from './options.ts'
import type { Rights } from './rights.ts'
import type { FlushScheduler } from './scheduler.ts'
import type { Session } from './session.ts'

/** What all sessions of a node share. */
export interface SessionContext {
  readonly hub: Hub
  readonly nodeId: string
  readonly options: SessionOptions
  readonly role: 'push' | 'gateway'
  readonly version: string
  readonly groups: ReadonlyMap<string, readonly string[]>
  readonly composers: Readonly<Record<Composer['encoding'], Composer>>
  readonly scheduler: FlushScheduler
  readonly counts: SessionCounts
  readonly log: Logger
  /** Judges tokens. Absent: everybody may come in and see everything. */
  readonly access?: Access
  /** Takes questions of operators. Absent: nobody may ask any. */
  readonly asks?: Asks
  /** Where it is written down what happens to sessions. Absent: nowhere. */
  readonly notes?: SessionNotes
  /** The session has said hello: it takes part in pulses and notices from now on. */
  opened(session: Session): void
  closed(session: Session, end: SessionEnd): void
  /** A token was not taken. */
  denied(session: Session, code: TokenCode): void
  /** The session's receiver holds another number, or set, of subscriptions, and is asked to name them again. */
  differs(session: Session, here: number, there: number): void
  /** The session's receiver stopped taking what it is sent; null: it goes on. */
  stalled(session: Session, kind: StallKind | null, silentMs: number): void
}

export function welcomeFrame(
  { hub, nodeId, options, role, version, asks }: SessionContext,
  session: string,
  pulseIntervalMs: number,
  { symbolsMax, patternsMax }: Rights,
): WelcomeFrame {
  const slowerMs = Math.max(0, pulseIntervalMs - options.pulseIntervalMs)
  return {
    t: 'welcome',
    session,
    node: nodeId,
    role,
    version: `${version} (protocol ${PROTOCOL_VERSION})`,
    at: hub.clock.nowMs(),
    epoch: hub.epoch,
    pulseIntervalMs,
    staleAfterMs: options.staleAfterMs + slowerMs,
    feeds: hub.info(),
    limits: { messageBytesMax: options.messageBytesMax, subscriptionsMax: symbolsMax, patternsMax },
    ...(asks === undefined ? {} : { asks: asks.nonceOf(session) }),
  }
}
