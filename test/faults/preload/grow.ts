/** Makes a later version of what is run: a text of a file is another one when it is loaded. */
import { registerHooks } from 'node:module'

export interface Growth {
  /** End of the file's path. */
  readonly file: string
  /** Stands there exactly once. */
  readonly text: string
  readonly instead: string
}

export function grow(all: readonly Growth[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const growths = all.filter(({ file }) => url.endsWith(file))
      if (growths.length === 0) return loaded
      let source = String(loaded.source)
      if (loaded.source instanceof Uint8Array) source = new TextDecoder().decode(loaded.source)
      for (const { file, text, instead } of growths) {
        const pieces = source.split(text)
        if (pieces.length !== 2) throw new Error(`"${text}" stands ${pieces.length - 1} times in ${file}`)
        source = pieces.join(instead)
      }
      return { ...loaded, source }
    },
  })
}
