import { setTimeout as sleep } from 'node:timers/promises'
import { type Args, AskError } from './answer.ts'
import type { Asker } from './asker.ts'
import { asTheyCome } from './as-they-come.ts'

/** What a node says of itself and of those next to it. */
export interface LinksAnswer {
  readonly node: string
  readonly role: string
  readonly version: string
  readonly links: readonly {
    readonly node: string
    readonly address: string
    readonly line: string
    readonly state: string
    readonly why: string
    readonly silentMs: number
  }[]
  /** Nodes that it passes questions on to. */
  readonly neighbours: readonly string[]
  readonly sessions: number
}

export interface Way {
  readonly asker: Asker
  readonly path: readonly string[]
}

export interface FoundNode {
  readonly node: string
  readonly way: Way
  readonly answer: LinksAnswer
}

export interface UnansweredNode {
  readonly node: string
  readonly error: AskError
}

/** Nodes asked for their neighbours, at most: as many as a directory holds. */
const ASKED_MAX = 10_000
/** Nodes that are asked at once. All of them may be behind one, which works on 32 questions. */
export const ASKED_AT_ONCE = 8
/** A node takes some questions a second. */
const AGAIN_AFTER_MS = 250
const AGAIN_MAX = 20

/** Every node that can be reached, the nearest first, each over the shortest way; and those that say nothing. */
export async function* explore(askers: readonly Asker[]): AsyncGenerator<FoundNode | UnansweredNode> {
  const seen = new Set<string>()
  let ways: Way[] = askers.map((asker) => ({ asker, path: [] }))
  while (ways.length > 0) {
    const fresh = ways.filter((way) => !seen.has(nodeOf(way)) && seen.size < ASKED_MAX && seen.add(nodeOf(way)))
    ways = []
    for await (const found of asTheyCome(fresh, ASKED_AT_ONCE, linksOf)) {
      yield found
      if ('error' in found) continue
      const { way, answer } = found
      for (const node of answer.neighbours) if (!seen.has(node)) ways.push({ ...way, path: [...way.path, node] })
    }
  }
}

function nodeOf({ asker, path }: Way): string {
  return path.at(-1) ?? asker.node
}

/** @throws AskError `ask_unproven`: nobody else takes another secret. */
async function linksOf(way: Way): Promise<FoundNode | UnansweredNode> {
  const node = nodeOf(way)
  try {
    return { node, way, answer: (await askJson(way, 'links')) as LinksAnswer }
  } catch (error) {
    if (!(error instanceof AskError) || error.code === 'ask_unproven') throw error
    return { node, error }
  }
}

/** Finds a way to the node, over whoever can be reached: the nearest first. @throws AskError `ask_no_way` with what was heard of it. */
export async function findWay(askers: readonly Asker[], target: string): Promise<Way> {
  const direct = askers.find(({ node }) => node === target)
  if (direct !== undefined) return { asker: direct, path: [] }
  const heard = new Set<string>()
  const asked: string[] = []
  for await (const found of explore(askers)) {
    asked.push(found.node)
    if (!('answer' in found)) {
      heard.add(found.error.message)
      continue
    }
    const { way, answer, node } = found
    if (answer.neighbours.includes(target)) return { ...way, path: [...way.path, target] }
    for (const { address, state, why } of answer.links.filter((link) => link.node === target)) {
      heard.add(`${node} has a link to it at ${address}, which is ${state}: ${why || 'it takes no questions'}`)
    }
  }
  const known = heard.size > 0 ? [...heard].join('; ') : `asked: ${asked.join(', ')}`
  throw new AskError('ask_no_way', `no way to ${target} was found from ${askers.map(({ node }) => node).join(', ')} (${known})`)
}

/** Asks again where a node has more questions than it takes. @throws AskError */
export async function askJson({ asker, path }: Way, question: string, args: Args = {}): Promise<unknown> {
  for (let times = 1; ; times++) {
    try {
      return JSON.parse(await asker.text(path, question, args))
    } catch (error) {
      if (!(error instanceof AskError) || error.code !== 'ask_too_many' || times >= AGAIN_MAX) throw error
      await sleep(AGAIN_AFTER_MS)
    }
  }
}
