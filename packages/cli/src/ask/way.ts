import { type Args, AskError, type Asker } from '@pulsewire/server'
import { setTimeout as sleep } from 'node:timers/promises'

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

/** Nodes asked for their neighbours, at most. */
const ASKED_MAX = 200
/** A node takes some questions a second. */
const AGAIN_AFTER_MS = 250
const AGAIN_MAX = 20

/** Finds a way to the node, over whoever can be reached: the nearest first. @throws AskError `ask_no_way` with what was heard of it. */
export async function findWay(askers: readonly Asker[], target: string): Promise<Way> {
  const seen = new Set<string>()
  const heard = new Set<string>()
  let ways: Way[] = askers.map((asker) => ({ asker, path: [] }))
  for (let asked = 0; ways.length > 0; ) {
    const next: Way[] = []
    for (const way of ways) {
      const node = way.path.at(-1) ?? way.asker.node
      if (node === target) return way
      if (seen.has(node) || asked++ >= ASKED_MAX) continue
      seen.add(node)
      const answer = await linksOf(way).catch((error: AskError) => {
        // Nobody else takes another secret.
        if (error.code === 'ask_unproven') throw error
        heard.add(error.message)
      })
      if (answer === undefined) continue
      if (answer.neighbours.includes(target)) return { ...way, path: [...way.path, target] }
      for (const link of answer.links)
        if (link.node === target)
          heard.add(`${node} has a link to it at ${link.address}, which is ${link.state}: ${link.why || 'it takes no questions'}`)
      next.push(...answer.neighbours.map((neighbour) => ({ ...way, path: [...way.path, neighbour] })))
    }
    ways = next
  }
  const known = heard.size > 0 ? [...heard].join('; ') : `asked: ${[...seen].join(', ')}`
  throw new AskError('ask_no_way', `no way to ${target} was found from ${askers.map(({ node }) => node).join(', ')} (${known})`)
}

export async function linksOf(way: Way): Promise<LinksAnswer> {
  return (await askJson(way, 'links')) as LinksAnswer
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
