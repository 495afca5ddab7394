/** Writes the generated documentation (`node tools/docs.ts`); `npm run check` fails when it is not up to date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationReference } from './docs/configuration.ts'
import { scaleDocument } from './docs/scale/document.ts'

const GENERATED: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationReference,
  'docs/scale.md': scaleDocument,
}

/** One line per generated file that is not what it would be if written now. */
export function outdatedDocs(root: string): string[] {
  return Object.entries(GENERATED)
    .filter(([file, generate]) => !existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== generate())
    .map(([file]) => `${file} is out of date: run \`node tools/docs.ts\``)
}

function main(): void {
  const root = join(import.meta.dirname, '..')
  for (const [file, generate] of Object.entries(GENERATED)) {
    writeFileSync(join(root, file), generate())
    console.log(`wrote ${file}`)
  }
}

if (import.meta.main) main()
