import {
  type AnswersAnswer,
  ASKED_AT_ONCE,
  type AskError,
  type Asker,
  askJson,
  asTheyCome,
  explore,
  type FoundNode,
  openLog,
  PulsewireError,
  readSessionEvents,
  type SessionEvent,
  type SessionsAnswer,
} from '@pulsewire/server'
import { type AskFlags, openEntrances } from '../ask/open.ts'
import { type DirectoryFlags, onlookerConfig } from '../nodes/open.ts'
import { formatSessions } from './format.ts'

export interface SessionsQuery extends AskFlags, DirectoryFlags {
  readonly user?: string
  readonly session?: string
  readonly topic?: string
  /** How far back the topic is read, in ms. */
  readonly since: number
  readonly json: boolean
}

/** What is known of a user's sessions, and by whom. */
export interface SessionsFound {
  readonly who: string
  readonly gateways: readonly SessionsAnswer[]
  /** What each balancer gave to the user; of a session, which balancers do not know, none is asked. */
  readonly balancers: readonly AnswersAnswer[]
  /** Nodes that did not answer, and why. */
  readonly unanswered: readonly { readonly node: string; readonly message: string }[]
  /** In order, each once. */
  readonly events: readonly SessionEvent[]
  readonly topic: string | null
}

/** What nodes say when they are asked. */
export type SessionsAsked = Pick<SessionsFound, 'gateways' | 'balancers' | 'unanswered'>

/** Asks every gateway and balancer that can be reached, and the topic when it is named. @throws AskError, ConfigError, LogError */
export async function showSessions(query: SessionsQuery): Promise<void> {
  const { user, session, topic, json } = query
  const written = topic === undefined ? [] : await readTopic(query, topic)
  const asked = await askGateways(query).catch((error: unknown) => {
    // What was written says where the user was, also when no node answers any more.
    if (topic === undefined || !(error instanceof PulsewireError)) throw error
    return { gateways: [], balancers: [], unanswered: [{ node: 'any node', message: error.message }] }
  })
  const events = inOrder([...written, ...asked.gateways.flatMap((gateway) => gateway.events)])
  const found: SessionsFound = {
    who: session === undefined ? `user ${user}` : `session ${session}`,
    ...asked,
    events,
    topic: topic ?? null,
  }
  console.log(json ? JSON.stringify(found) : formatSessions(found, Date.now()))
}

async function askGateways(query: SessionsQuery): Promise<SessionsAsked> {
  const { user, session } = query
  using entrances = await openEntrances(query)
  const whose = { ...(user === undefined ? {} : { user }), ...(session === undefined ? {} : { session }) }
  return await sessionsOver(entrances.askers, entrances.unreached, whose)
}

/** Asks every gateway and balancer that can be reached from these. @throws AskError */
export async function sessionsOver(
  askers: readonly Asker[],
  unreached: readonly AskError[],
  args: { readonly user?: string; readonly session?: string },
): Promise<SessionsAsked> {
  const gateways: SessionsAnswer[] = []
  const balancers: AnswersAnswer[] = []
  const unanswered = unreached.map(({ node, message }) => ({ node: node ?? '', message }))
  const upstream = new Set<string>()
  const ask = async ({ node, way, answer }: FoundNode): Promise<void> => {
    try {
      if (answer.role === 'gateway') gateways.push((await askJson(way, 'sessions', args)) as SessionsAnswer)
      else if (answer.role === 'balancer' && args.user !== undefined)
        balancers.push((await askJson(way, 'answers', { user: args.user })) as AnswersAnswer)
    } catch (error) {
      unanswered.push({ node, message: (error as AskError).message })
    }
  }
  const reached: FoundNode[] = []
  for await (const found of explore(askers)) {
    if ('error' in found) unanswered.push({ node: found.node, message: found.error.message })
    else {
      if (found.answer.role === 'gateway') for (const { node } of found.answer.links) upstream.add(node)
      reached.push(found)
    }
  }
  for await (const _ of asTheyCome(reached, ASKED_AT_ONCE, ask));
  return { gateways, balancers, unanswered: unanswered.filter(({ node }) => !upstream.has(node)) }
}

async function readTopic(query: SessionsQuery, topic: string): Promise<SessionEvent[]> {
  const { user, session, since } = query
  const { log: settings } = onlookerConfig(query)
  const log = await openLog(settings, 'sessions', [])
  try {
    const isWanted = (event: SessionEvent): boolean => (session === undefined ? event.user === user : event.session === session)
    return await readSessionEvents(log, topic, Date.now() - since, isWanted)
  } finally {
    await log.close()
  }
}

/** What a gateway still remembers is in the topic as well. */
export function inOrder(events: readonly SessionEvent[]): SessionEvent[] {
  const byKey = new Map(events.map((event) => [`${event.node} ${event.session} ${event.at} ${event.what}`, event]))
  return [...byKey.values()].sort((a, b) => a.at - b.at)
}
