import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../packages/run.ts'
import { notBrought } from './go-tools.ts'

interface Definition {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly format?: string
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
}

/** Names under which the API describes what may be text or a number. */
const NUMBER_OR_TEXT = /\.(IntOrString|Quantity)$/

/**
 * The schemas of one version of Kubernetes, of every kind that it has, as kubeconform wants them: strict, one file each. They
 * are made of the description of the API that the module of Kubernetes holds.
 * @returns the folder. @throws ToolMissing, or Error where Go is there, when it cannot bring the module.
 */
export async function writeSchemas(version: string, folder: string): Promise<string> {
  const { Dir } = JSON.parse(await downloaded(`k8s.io/kubernetes@v${version}`)) as { readonly Dir: string }
  const api = JSON.parse(await readFile(join(Dir, 'api/openapi-spec/swagger.json'), 'utf8')) as {
    readonly definitions: Readonly<Record<string, Definition>>
  }
  await mkdir(folder, { recursive: true })
  const definitions = Object.fromEntries(Object.entries(api.definitions).map(([name, each]) => [name, strict(name, each)]))
  await writeFile(join(folder, 'definitions.json'), JSON.stringify({ definitions }))
  for (const [name, { 'x-kubernetes-group-version-kind': kinds }] of Object.entries(api.definitions)) {
    if (kinds?.length !== 1) continue
    const { group, version: of, kind } = kinds[0]!
    const suffix = [kind, group.split('.')[0], of].filter((part) => part !== '').join('-')
    await writeFile(join(folder, `${suffix.toLowerCase()}.json`), JSON.stringify({ $ref: `definitions.json#/definitions/${name}` }))
  }
  return folder
}

async function downloaded(module: string): Promise<string> {
  try {
    return await run('go', ['mod', 'download', '-json', module], '/')
  } catch (error) {
    throw notBrought(`${module} is needed for its schemas, which Go brings: install Go, and let it reach a module proxy`, error)
  }
}

function strict(name: string, definition: Definition): object {
  if (NUMBER_OR_TEXT.test(name)) return { type: ['string', 'number'] }
  return definition.properties === undefined ? definition : { ...definition, additionalProperties: false }
}
