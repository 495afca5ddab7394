import type { View } from './view.ts'

/**
 * Encoded updates of one state of a symbol, shared by all sessions that need the same bytes: those with the same
 * choice of fields that hold the same earlier state. There are rarely more than two or three, so a list is searched.
 */
export class EncodedFrames {
  // The first, mostly the only one, stands here itself: no array and no object to make for each state and to go through.
  #view: View | null = null
  #from = 0
  #revision = 0
  #bytes: Uint8Array | null = null
  #more: { view: View; from: number; revision: number; bytes: Uint8Array | null }[] | null = null
  #json: { view: View; text: string }[] | null = null

  clear(): void {
    this.#view = null
    this.#bytes = null
    this.#more = null
    this.#json = null
  }

  /** `undefined` when not encoded yet; `null` when there is nothing to send. */
  bin(view: View, from: number, revision: number): Uint8Array | null | undefined {
    if (this.#from === from && this.#view === view && this.#revision === revision) return this.#bytes
    const list = this.#more
    if (list === null) return undefined
    for (let i = 0; i < list.length; i++) {
      const item = list[i]!
      if (item.from === from && item.view === view && item.revision === revision) return item.bytes
    }
    return undefined
  }

  setBin(view: View, from: number, revision: number, bytes: Uint8Array | null): void {
    if (this.#view === null) {
      this.#view = view
      this.#from = from
      this.#revision = revision
      this.#bytes = bytes
      return
    }
    this.#more ??= []
    // A symbol watched by receivers at very many different states would otherwise search for long.
    if (this.#more.length >= 8) this.#more.shift()
    this.#more.push({ view, from, revision, bytes })
  }

  json(view: View): string | undefined {
    return this.#json?.find((item) => item.view === view)?.text
  }

  setJson(view: View, text: string): void {
    this.#json ??= []
    if (this.#json.length >= 8) this.#json.shift()
    this.#json.push({ view, text })
  }
}
