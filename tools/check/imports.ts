import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface Import {
  /** Repository-relative, with forward slashes. */
  readonly from: string
  /** As written. */
  readonly specifier: string
  /** The repository's own file that it leads to, if it is one of ours. */
  readonly to: string | undefined
  /** Gone when Node runs the file. */
  readonly isTypeOnly: boolean
}

/** Every import and re-export of a file, `import()` with a literal too. */
export function importsOf(root: string, file: string): Import[] {
  const { module, errors } = parseSync(file, readFileSync(join(root, file), 'utf8'))
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  const found = new Map<string, boolean>()
  const add = (specifier: string, isTypeOnly: boolean): void => void found.set(specifier, (found.get(specifier) ?? true) && isTypeOnly)
  for (const { moduleRequest, entries } of module.staticImports)
    add(moduleRequest.value, entries.length > 0 && entries.every(({ isType }) => isType))
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) if (moduleRequest !== null) add(moduleRequest.value, isType)
  }
  const source = readFileSync(join(root, file), 'utf8')
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^['"](.+)['"]$/.exec(source.slice(moduleRequest.start, moduleRequest.end))?.[1]
    if (literal !== undefined) add(literal, false)
  }
  return [...found].map(([specifier, isTypeOnly]) => ({ from: file, specifier, to: resolveOwn(file, specifier), isTypeOnly }))
}

function resolveOwn(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(file), specifier).replaceAll('\\', '/')
  const own = /^@pulsewire\/([\w-]+)$/.exec(specifier)?.[1]
  return own === undefined ? undefined : `packages/${own}/src/index.ts`
}
