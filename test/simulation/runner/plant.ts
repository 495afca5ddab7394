import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { MUTATIONS } from '../mutations.ts'

const ROOT = new URL('../../../', import.meta.url).href

/**
 * From here on, what is loaded has the defect of this name.
 * @throws Error when there is no such mutation. A text that is not found makes the import fail.
 */
export async function plant(name: string): Promise<void> {
  const mutation = MUTATIONS.find((known) => known.name === name)
  if (mutation === undefined) throw new Error(`no mutation is called ${name}`)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== `${ROOT}${mutation.file}`) return loaded
      const source = loaded.source === null || loaded.source === undefined ? '' : Buffer.from(loaded.source as Uint8Array).toString('utf8')
      return { ...loaded, source: mutate(source, mutation) }
    },
  })
}

/** @throws Error when the text does not stand there exactly once: then the sources have moved on, and the mutation has to follow. */
export function mutate(source: string, { name, file, text, instead }: (typeof MUTATIONS)[number]): string {
  const parts = source.split(text)
  if (parts.length !== 2)
    throw new Error(`mutation ${name}: its text stands ${parts.length - 1} times in ${fileURLToPath(`${ROOT}${file}`)}`)
  return parts.join(instead)
}
