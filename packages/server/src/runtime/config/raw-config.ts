import type { Path } from './json-schema.ts'

type Table = Record<string | number, unknown>

/** What the sources say, merged, with where each value came from. Later sources win; lists are replaced as a whole. */
export class RawConfig {
  values: Table = emptyTable()
  readonly #origins = new Map<string, string>()

  /** Merges a whole tree. `originOf` says where a path comes from, for messages. */
  merge(tree: unknown, originOf: (path: Path) => string, path: Path = []): void {
    if (isTable(tree)) {
      if (path.length > 0) this.#origins.set(keyOf(path), originOf(path))
      for (const [key, value] of Object.entries(tree)) this.merge(value, originOf, [...path, key])
      if (Object.keys(tree).length === 0 && path.length > 0 && this.#get(path) === undefined) this.set(path, emptyTable(), originOf(path))
      return
    }
    this.set(path, tree, originOf(path))
    if (Array.isArray(tree)) this.#nameOrigins(tree, originOf, path)
  }

  /** Sets one value, making the sections on its way. */
  set(path: Path, value: unknown, origin: string): void {
    let table = this.values
    for (const key of path.slice(0, -1)) {
      const child = table[key]
      // Something that is no section stands in the way: it is replaced, and zod reports what then is missing or unknown.
      table = (isTable(child) || Array.isArray(child) ? child : (table[key] = emptyTable())) as Table
    }
    table[path.at(-1)!] = value
    this.#origins.set(keyOf(path), origin)
  }

  /** Where the value at `path`, or else the nearest section around it, came from. */
  origin(path: Path): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(keyOf(path.slice(0, length)))
      if (origin !== undefined) return origin
    }
    return undefined
  }

  #get(path: Path): unknown {
    return path.reduce<unknown>((value, key) => (isTable(value) ? value[key] : undefined), this.values)
  }

  #nameOrigins(tree: unknown, originOf: (path: Path) => string, path: Path): void {
    if (typeof tree !== 'object' || tree === null) return
    for (const [key, value] of Object.entries(tree)) {
      const below = [...path, Array.isArray(tree) ? Number(key) : key]
      this.#origins.set(keyOf(below), originOf(below))
      this.#nameOrigins(value, originOf, below)
    }
  }
}

/** Without a prototype, a key such as `__proto__` is only a key. */
function emptyTable(): Table {
  return Object.create(null) as Table
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keyOf(path: Path): string {
  return path.join('\0')
}
