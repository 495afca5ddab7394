import {
  type Args,
  ASKED_AT_ONCE,
  AskError,
  type Asker,
  askJson,
  asTheyCome,
  explore,
  type FoundNode,
  type Way,
} from '../diagnosis/index.ts'
import type { HopFacts, TraceFacts, TraceTarget, Unanswered } from './facts.ts'

interface AskedGateway {
  readonly way: Way
  readonly facts: HopFacts
}

/**
 * Collects what every hop says of the symbol and of the user's session: first the gateways that are connected, then, while
 * none of them has the user, all that can be reached; then the push nodes of the gateway that has.
 * @param unreached nodes that could not be connected to.
 * @throws AskError `ask_unproven`
 */
export async function walkTrace(askers: readonly Asker[], unreached: readonly AskError[], target: TraceTarget): Promise<TraceFacts> {
  const unanswered: Unanswered[] = unreached.map((error) => unansweredBy(error.node ?? error.message, error))
  const { gateway, asked } = await findGateway(askers, target, unanswered)
  const push = gateway === null ? [] : await askUpstream(gateway, target, unanswered)
  return { target, askedGateways: asked, unanswered, gateway: gateway?.facts ?? null, push }
}

async function findGateway(askers: readonly Asker[], target: TraceTarget, unanswered: Unanswered[]) {
  const asked: string[] = []
  let found: AskedGateway | null = null
  const isBetter = (facts: HopFacts): boolean => found === null || isRather(facts.session, found.facts.session)
  const ask = async (way: Way, node: string): Promise<void> => {
    if (asked.includes(node)) return
    const facts = await askHop(way, node, target, unanswered)
    if (facts === null || facts.role !== 'gateway') return
    asked.push(node)
    if ((facts.session !== null || isAnonymous(target)) && isBetter(facts)) found = { way, facts }
  }
  await Promise.all(askers.map((asker) => ask({ asker, path: [] }, asker.node)))
  if (found === null) {
    const upstream = new Set<string>()
    const silent: Unanswered[] = []
    const reached: FoundNode[] = []
    for await (const each of explore(askers)) {
      if ('error' in each) add(silent, unansweredBy(each.node, each.error))
      else if (each.answer.role === 'gateway') {
        for (const { node } of each.answer.links) upstream.add(node)
        reached.push(each)
      }
    }
    for await (const _ of asTheyCome(reached, ASKED_AT_ONCE, ({ way, node }) => ask(way, node)));
    // A push node has no users.
    for (const one of silent) if (!upstream.has(one.node)) add(unanswered, one)
  }
  return { gateway: found as AskedGateway | null, asked }
}

/** Of two sessions of a user the one that subscribes, else the newer one: the other may be of a client that has moved. */
function isRather(session: HopFacts['session'], other: HopFacts['session']): boolean {
  if (session === null || other === null) return other === null && session !== null
  const subscribes = session.subscription !== null
  if (subscribes !== (other.subscription !== null)) return subscribes
  return session.openForMs < other.openForMs
}

/** Nobody's session is asked for: any gateway will do. */
function isAnonymous({ user, session }: TraceTarget): boolean {
  return user === undefined && session === undefined
}

async function askUpstream({ way, facts }: AskedGateway, target: TraceTarget, unanswered: Unanswered[]): Promise<HopFacts[]> {
  const open = facts.links.filter(({ state }) => state === 'open').map(({ node }) => node)
  const names = facts.beside === null ? open : [facts.beside]
  const answers = await Promise.all(names.map((node) => askHop({ ...way, path: [...way.path, node] }, node, target, unanswered)))
  return answers.filter((answer) => answer !== null)
}

async function askHop(way: Way, node: string, target: TraceTarget, unanswered: Unanswered[]): Promise<HopFacts | null> {
  try {
    return (await askJson(way, 'trace', argsOf(target))) as HopFacts
  } catch (error) {
    if (!(error instanceof AskError) || error.code === 'ask_unproven') throw error
    add(unanswered, unansweredBy(node, error))
    return null
  }
}

function argsOf({ user, session, feed, symbol }: TraceTarget): Args {
  return { feed, symbol, ...(user === undefined ? {} : { user }), ...(session === undefined ? {} : { session }) }
}

function add(unanswered: Unanswered[], one: Unanswered): void {
  if (!unanswered.some(({ node }) => node === one.node)) unanswered.push(one)
}

function unansweredBy(node: string, { code, message }: AskError): Unanswered {
  return { node, code, message }
}
