import type { AskDesk } from '../diagnosis/index.ts'
import { type SessionEvent, SessionHistory, TopicWriter } from '../history/index.ts'
import type { Log } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { GatewayConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { SessionAccount, Sessions } from '../session/index.ts'

/** What this gateway writes down of its sessions. */
export interface SessionRecords {
  readonly history: SessionHistory
  /** `null`: in memory alone. */
  readonly topic: TopicWriter | null
}

/** What a gateway says of a user's sessions. */
export interface SessionsAnswer {
  readonly node: string
  readonly nowMs: number
  /** Since when it remembers everything. */
  readonly sinceMs: number
  readonly open: readonly SessionAccount[]
  readonly events: readonly SessionEvent[]
}

/** Sessions told at once, at most. */
const SESSIONS_MAX = 500

/** @returns `null` where nobody could ask for it and no topic is configured. */
export function keepRecords(
  { node, gateway }: GatewayConfig,
  clock: Clock,
  deps: { readonly logger: Logger; readonly log?: Log; readonly desk?: AskDesk },
): SessionRecords | null {
  const { entriesMax, bytesMax, topic: name } = gateway.sessionHistory
  const { log, logger, desk } = deps
  const topic = name === undefined || log === undefined ? null : new TopicWriter({ log, topic: name, clock, logger })
  if (topic === null && desk === undefined) return null
  const also = topic === null ? {} : { also: (event: SessionEvent) => topic.add(event) }
  return { topic, history: new SessionHistory({ node: node.id, clock, entriesMax, bytesMax, ...also }) }
}

/** Has the gateway say what it knows of a user's sessions. */
export function answerSessions(desk: AskDesk, sessions: Sessions, history: SessionHistory, clock: Clock): void {
  desk.answers.set('sessions', ({ user, session }) => {
    const nowMs = clock.nowMs()
    const open = [...sessions].filter((each) => each.state === 'open' && (session === undefined ? each.user === user : each.id === session))
    const answer: SessionsAnswer = {
      node: desk.node,
      nowMs,
      sinceMs: history.sinceMs,
      open: open.slice(0, SESSIONS_MAX).map((each) => each.account(nowMs)),
      events: history.of({ user, session }),
    }
    return JSON.stringify(answer)
  })
}
