export interface JournalEntry {
  readonly atMs: number
  readonly text: string
}

const ENTRIES_MAX = 50

/** What happened to the connection, newest first. */
export class Journal {
  #entries: readonly JournalEntry[] = []

  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  add(atMs: number, text: string): void {
    if (this.#entries[0]?.text === text) return
    this.#entries = [{ atMs, text }, ...this.#entries].slice(0, ENTRIES_MAX)
  }
}
