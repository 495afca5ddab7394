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

export class Views {
  readonly all: View
  readonly #views = new Map<string, View>()
  readonly #dictionary: FieldDictionary

  constructor(dictionary: FieldDictionary) {
    this.#dictionary = dictionary
    this.all = new View(0, null, dictionary)
  }

  of(fields: readonly string[] | undefined): View {
    if (fields === undefined) return this.all
    const names = new Set(fields)
    const key = JSON.stringify([...names].sort())
    let view = this.#views.get(key)
    if (view === undefined) {
      view = new View(this.#views.size + 1, names, this.#dictionary)
      this.#views.set(key, view)
    }
    return view
  }
}
