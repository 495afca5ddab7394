import type { Logger } from '../runtime/logger.ts'
import type { Directory, DirectoryPart, KnownNode } from './directory.ts'

/** A further directory, as far as it is read. */
export type OtherDirectory = DirectoryPart & Pick<Directory, 'onChange'>

/** Shows what a part says, with nodes of its own choice. */
abstract class Seen implements DirectoryPart {
  abstract readonly nodes: ReadonlyMap<string, KnownNode>
  readonly #part: DirectoryPart

  constructor(part: DirectoryPart) {
    this.#part = part
  }

  get otherZone(): string | null {
    return this.#part.otherZone
  }

  get logId(): string | null {
    return this.#part.logId
  }

  get view(): Directory['view'] {
    return this.#part.view
  }

  get viewSinceMs(): number {
    return this.#part.viewSinceMs
  }

  get feeds(): Directory['feeds'] {
    return this.#part.feeds
  }
}

/**
 * What a balancer knows of several zones whose logs are their own: the nodes of all. Everything else is the home one's: its
 * view, its catalogue, what its operators say of grey releases and tokens. Each part keeps a view of its own, so that one
 * that is loading or silent neither hinders the others nor loses its nodes.
 */
export class JoinedDirectory extends Seen implements Directory {
  readonly parts: readonly DirectoryPart[]
  readonly nodes: ReadonlyMap<string, KnownNode>
  readonly #home: Directory
  readonly #others: readonly OtherDirectory[]

  constructor(home: Directory, others: readonly OtherDirectory[], logger: Logger) {
    super(home)
    this.#home = home
    this.#others = others
    const told = new Set<string>()
    const taken = (name: string, by: DirectoryPart, other: DirectoryPart): void => {
      if (told.has(name)) return
      told.add(name)
      const text = `zone ${other.otherZone} has a node ${name}, as ${by.otherZone === null ? 'this one' : `zone ${by.otherZone}`} has: it is left out. Every node needs an id of its own, over all zones (node.id)`
      logger.error('node_name_taken', text, { subject: name, zone: other.otherZone })
    }
    const parts: DirectoryPart[] = [home]
    for (const other of others) parts.push(new OtherPart(other, [...parts], taken))
    this.parts = parts
    this.nodes = new JoinedNodes(parts)
  }

  get isReadBack(): boolean {
    return this.#home.isReadBack
  }

  get revocations(): Directory['revocations'] {
    return this.#home.revocations
  }

  get grey(): Directory['grey'] {
    return this.#home.grey
  }

  onChange(listener: () => void): () => void {
    const stops = [this.#home, ...this.#others].map((directory) => directory.onChange(listener))
    return () => stops.forEach((stop) => stop())
  }
}

/** Told of a name that two parts have, each time that it is met. */
type Taken = (name: string, by: DirectoryPart, other: DirectoryPart) => void

/** A further directory, less the nodes whose names are taken already. */
class OtherPart extends Seen {
  readonly nodes: ReadonlyMap<string, KnownNode>

  constructor(directory: OtherDirectory, before: readonly DirectoryPart[], taken: Taken) {
    super(directory)
    this.nodes = new FreeNodes(directory, before, taken)
  }
}

type Entry = [name: string, node: KnownNode]

/** Looks at the maps of others, which change in place: nothing is copied, and nothing is ever old. */
abstract class NodesView implements ReadonlyMap<string, KnownNode> {
  abstract get(name: string): KnownNode | undefined
  abstract entries(): MapIterator<Entry>

  get size(): number {
    let size = 0
    for (const _ of this.entries()) size++
    return size
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  *keys(): MapIterator<string> {
    for (const [name] of this.entries()) yield name
  }

  *values(): MapIterator<KnownNode> {
    for (const [, node] of this.entries()) yield node
  }

  forEach(callback: (node: KnownNode, name: string, map: ReadonlyMap<string, KnownNode>) => void): void {
    for (const [name, node] of this.entries()) callback(node, name, this)
  }

  [Symbol.iterator](): MapIterator<Entry> {
    return this.entries()
  }
}

class FreeNodes extends NodesView {
  readonly #directory: OtherDirectory
  readonly #before: readonly DirectoryPart[]
  readonly #taken: Taken

  constructor(directory: OtherDirectory, before: readonly DirectoryPart[], taken: Taken) {
    super()
    this.#directory = directory
    this.#before = before
    this.#taken = taken
  }

  get(name: string): KnownNode | undefined {
    return this.#isTaken(name) ? undefined : this.#directory.nodes.get(name)
  }

  *entries(): MapIterator<Entry> {
    for (const entry of this.#directory.nodes) {
      if (!this.#isTaken(entry[0])) yield entry
    }
  }

  #isTaken(name: string): boolean {
    const by = this.#before.find(({ nodes }) => nodes.has(name))
    if (by === undefined) return false
    if (this.#directory.nodes.has(name)) this.#taken(name, by, this.#directory)
    return true
  }
}

/** Of parts that have no name in common. */
class JoinedNodes extends NodesView {
  readonly #parts: readonly DirectoryPart[]

  constructor(parts: readonly DirectoryPart[]) {
    super()
    this.#parts = parts
  }

  get(name: string): KnownNode | undefined {
    for (const { nodes } of this.#parts) {
      const known = nodes.get(name)
      if (known !== undefined) return known
    }
    return undefined
  }

  *entries(): MapIterator<Entry> {
    for (const { nodes } of this.#parts) yield* nodes
  }
}
