/** What a page asks nodes through its own server, with the operator secret that the server has: traces, sessions, what there is under a name. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Finding, judgeTrace, type Secret, type SessionEvent, systemClock, type TraceTarget, walkTrace } from '@pulsewire/server'
import { headLines } from '../sessions/format.ts'
import { inOrder, sessionsOver } from '../sessions/sessions.ts'
import { traceRows } from '../trace/format.ts'
import { connectAll } from './open.ts'
import { findOver, holdersOver } from './page-finds.ts'
import { KnownWays, stagesOver, type StagesTold } from './page-stages.ts'
import { SharedAnswers } from './shared-answers.ts'

export interface PageAsksOptions {
  /** Addresses of the gateways to ask over, now; those first that are next to the node, where one is named. */
  readonly gateways: (near?: string) => readonly string[]
  readonly secret: Secret
  /** Who asks, for the nodes' audit. */
  readonly who: string
  /** Why a request is not answered; `null`: it is. Default: all that the page's server lets through are. */
  readonly denial?: (request: IncomingMessage) => string | null
}

export interface TraceTold {
  readonly findings: readonly Finding[]
  readonly rows: ReturnType<typeof traceRows>
}

interface SessionsTold {
  /** Where the user is, or was last. */
  readonly head: readonly string[]
  /** Oldest first. */
  readonly events: readonly SessionEvent[]
}

/** Each may wait 3 s for a node that says nothing. */
const AT_ONCE_MAX = 4
const FIND_CHARS_MAX = 128
const NODE_CHARS_MAX = 128
/** Several who look at the same node ask it once. */
const STAGES_KEEP_MS = 2000

type Told = readonly [status: number, body: object]
const CROWDED: Told = [429, { message: 'others are asking: try again in a moment' }]

/**
 * Answers `/api/trace?symbol=AAPL.US&user=jo` as `pulsewire trace` does, `/api/sessions?user=jo` as `pulsewire sessions`,
 * `/api/find?text=jo` with users, sessions and symbols of such names, `/api/holders?symbol=AAPL.US` with who holds it, and
 * `/api/stages?node=push-a1` as `pulsewire debug push-a1 stages`.
 */
export function servePageAsks(options: PageAsksOptions): (request: IncomingMessage, response: ServerResponse) => void {
  let running = 0
  const limited = async (ask: () => Promise<Told>): Promise<Told> => {
    if (running >= AT_ONCE_MAX) return CROWDED
    running++
    try {
      return await ask()
    } catch (error) {
      return [502, { message: (error as Error).message }]
    } finally {
      running--
    }
  }
  const ways = new KnownWays()
  const stages = new SharedAnswers<Told>(systemClock, STAGES_KEEP_MS)
  const handle = async (request: IncomingMessage): Promise<Told> => {
    const denied = request.method === 'GET' ? (options.denial?.(request) ?? null) : 'nodes are asked with GET'
    if (denied !== null) return [403, { message: denied }]
    const url = new URL(request.url!, 'http://localhost')
    if (url.pathname !== '/api/stages') return limited(() => answer(options, url))
    const node = url.searchParams.get('node') ?? ''
    if (node === '' || node.length > NODE_CHARS_MAX) return [400, { message: 'name a node' }]
    return stages.of(node, () => limited(async () => [200, await stagesFrom(options, node, ways)]))
  }
  return (request, response) => {
    void handle(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      response.end(JSON.stringify(body))
    })
  }
}

async function answer({ gateways, secret, who }: PageAsksOptions, { pathname, searchParams }: URL): Promise<Told> {
  const { symbol = '', feed = 'quote', user = '', session = '' } = Object.fromEntries(searchParams)
  const whose = { ...(user === '' ? {} : { user }), ...(session === '' ? {} : { session }) }
  if (pathname === '/api/sessions') {
    if (user === '' && session === '') return [400, { message: 'name a user or a session' }]
    return [200, await sessionsFrom(gateways(), secret, who, whose)]
  }
  if (pathname === '/api/find') {
    const text = (searchParams.get('text') ?? '').trim()
    if (text.length < 2 || text.length > FIND_CHARS_MAX) return [400, { message: `2 to ${FIND_CHARS_MAX} characters of a name` }]
    return [200, await findOver(gateways(), secret, who, text)]
  }
  if (symbol === '') return [400, { message: 'name a symbol' }]
  if (pathname === '/api/holders') return [200, await holdersOver(gateways(), secret, who, { symbol, feed })]
  return [200, await traceOver(gateways(), secret, who, { symbol, feed, ...whose })]
}

function stagesFrom({ gateways, secret, who }: PageAsksOptions, node: string, ways: KnownWays): Promise<StagesTold> {
  return stagesOver(gateways(node), secret, who, node, ways)
}

/** What `pulsewire trace` finds over these gateways. @throws AskError when nobody could be asked. */
export async function traceOver(gateways: readonly string[], secret: Secret, who: string, target: TraceTarget): Promise<TraceTold> {
  using entrances = await connectAll(gateways, secret, who)
  const facts = await walkTrace(entrances.askers, entrances.unreached, target)
  return { findings: judgeTrace(facts), rows: traceRows(facts) }
}

async function sessionsFrom(
  gateways: readonly string[],
  secret: Secret,
  who: string,
  whose: { readonly user?: string; readonly session?: string },
): Promise<SessionsTold> {
  using entrances = await connectAll(gateways, secret, who)
  const asked = await sessionsOver(entrances.askers, entrances.unreached, whose)
  const events = inOrder(asked.gateways.flatMap((gateway) => gateway.events))
  const name = whose.session === undefined ? `user ${whose.user}` : `session ${whose.session}`
  return { head: headLines({ ...asked, who: name, events, topic: null }, Date.now()), events }
}
