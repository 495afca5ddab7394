import type { FieldDictionary } from './dictionary.ts'

/**
 * A choice of fields. Views are interned per feed, so that all receivers with the same choice share encoded frames.
 * Chosen fields need not exist yet: they join when the first record brings them.
 */
export class View {
  readonly id: number
  /** `null` chooses all. */
  readonly names: ReadonlySet<string> | null
  readonly #dictionary: FieldDictionary
  #chosen: boolean[] = []

  constructor(id: number, names: ReadonlySet<string> | null, dictionary: FieldDictionary) {
    this.id = id
    this.names = names
    this.#dictionary = dictionary
  }

  includes(index: number): boolean {
    if (this.names === null) return true
    for (let i = this.#chosen.length; i <= index; i++) this.#chosen.push(this.names.has(this.#dictionary.fields[i]!.name))
    return this.#chosen[index]!
  }
}

/** The views of a feed that somebody uses. Receivers choose freely, so one that nobody uses any more is forgotten. */
export class Views {
  readonly all: View
  readonly #views = new Map<string, { readonly view: View; users: number }>()
  readonly #dictionary: FieldDictionary
  #nextId = 1

  constructor(dictionary: FieldDictionary) {
    this.#dictionary = dictionary
    this.all = new View(0, null, dictionary)
  }

  get size(): number {
    return this.#views.size
  }

  /** The view of these fields, of all when `undefined`. Whoever opens it closes it. */
  open(fields: readonly string[] | undefined): View {
    if (fields === undefined) return this.all
    const names = new Set(fields)
    const key = keyOf(names)
    let used = this.#views.get(key)
    if (used === undefined) {
      used = { view: new View(this.#nextId++, names, this.#dictionary), users: 0 }
      this.#views.set(key, used)
    }
    used.users++
    return used.view
  }

  close(view: View): void {
    if (view.names === null) return
    const key = keyOf(view.names)
    const used = this.#views.get(key)
    if (used?.view === view && --used.users === 0) this.#views.delete(key)
  }
}

function keyOf(names: ReadonlySet<string>): string {
  return JSON.stringify([...names].sort())
}
