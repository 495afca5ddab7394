import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { run } from '../packages/run.ts'
import { policyMistakes } from './rendered-policies.ts'
import { MOUNTED, secretMistakes } from './rendered-secrets.ts'

interface Rendered {
  readonly kind?: string
  readonly data?: Readonly<Record<string, string>>
}

/** Has each role check the configuration that the chart gives it, compares the secrets that it reads with those mounted, and looks at whom policies admit. @returns the roles. @throws Error with the mistakes. */
export async function checkRenderedConfig(root: string, rendered: string): Promise<string[]> {
  const documents = parseAllDocuments(rendered).map((document) => document.toJS() as Rendered | null)
  const files = Object.entries(documents.find((each) => each?.kind === 'ConfigMap')?.data ?? {})
  const configs = new Map(files.map(([name, text]) => [name.replace('.yaml', ''), text]))
  const mistakes = [...secretMistakes(documents, configs), ...policyMistakes(documents)]
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'))
  const folder = await mkdtemp(join(tmpdir(), 'pulsewire-chart-'))
  try {
    for (const [role, text] of configs) {
      const file = join(folder, `${role}.yaml`)
      await writeFile(file, await withFiles(text, folder))
      // As the pod's environment says.
      const own =
        {
          push: ['--set', `node.advertise=${text.includes('/push-tls.crt') ? 'wss' : 'ws'}://push:1`],
          gateway: ['--set', 'node.advertise=wss://gateway:1'],
        }[role] ?? []
      await run(process.execPath, [join(root, 'packages/cli/src/main.ts'), 'config', 'check', role, '--config', file, ...own], root)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  return [...configs.keys()]
}

/** @returns the configuration with files of this folder, which are made, in place of those that pods have mounted. */
async function withFiles(text: string, folder: string): Promise<string> {
  for (const [path] of text.matchAll(MOUNTED)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), randomBytes(24).toString('hex'))
  }
  return text.replaceAll(MOUNTED, (path) => join(folder, path))
}
