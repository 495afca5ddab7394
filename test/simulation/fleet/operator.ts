import { encodeWord, LogError, type NodeWord } from '@pulsewire/server'
import { EPOCH_MS } from '../world/process.ts'
import { CONTROL_TOPIC } from './membership.ts'
import type { World } from './world.ts'

interface Said {
  word: NodeWord
  /** World time at which it came into the log; `null`: it has not yet. */
  atMs: number | null
}

const AGAIN_MS = 500

/** Says words on nodes, as `pulsewire node` does: again and again, until the log has taken them. */
export class Operator {
  readonly #world: World
  readonly #said = new Map<string, Said>()

  constructor(world: World) {
    this.#world = world
  }

  say(node: string, word: NodeWord): void {
    const said: Said = { word, atMs: null }
    this.#said.set(node, said)
    this.#tryToSay(node, said)
  }

  /** Since when the node has been told to be away, in world time; `Infinity` when it has not. */
  awaySinceMs(node: string): number {
    const said = this.#said.get(node)
    return said === undefined || said.word === 'online' ? Infinity : (said.atMs ?? Infinity)
  }

  /** Since when nothing has been said but that the node is to be there, in world time. */
  hereSinceMs(node: string): number {
    const said = this.#said.get(node)
    if (said === undefined) return 0
    return said.word === 'online' ? (said.atMs ?? Infinity) : Infinity
  }

  #tryToSay(node: string, said: Said): void {
    const world = this.#world
    if (this.#said.get(node) !== said) return
    try {
      world.log.appendNow(CONTROL_TOPIC, [encodeWord(node, { word: said.word, atMs: EPOCH_MS + Math.floor(world.nowMs) })])
      said.atMs = world.nowMs
      world.trace.say('OPERATOR', () => `${node}: ${said.word}`)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      world.kernel.after(AGAIN_MS, () => this.#tryToSay(node, said))
    }
  }
}
