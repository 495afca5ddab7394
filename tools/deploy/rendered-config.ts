import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { run } from '../packages/run.ts'
import { policyMistakes } from './rendered-policies.ts'
import { secretMistakes } from './rendered-secrets.ts'

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
    for (const secret of ['operator', 'inner', 'probe', 'admin', 'kafka-password', 'gateway-tls.crt', 'gateway-tls.key'])
      await writeFile(join(folder, secret), randomBytes(24).toString('hex'))
    for (const [role, text] of configs) {
      const file = join(folder, `${role}.yaml`)
      await writeFile(file, text.replaceAll('/run/secrets/pulsewire', folder))
      // As the pod's environment says.
      const own = { push: ['--set', 'node.advertise=ws://push:1'], gateway: ['--set', 'node.advertise=wss://gateway:1'] }[role] ?? []
      await run(process.execPath, [join(root, 'packages/cli/src/main.ts'), 'config', 'check', role, '--config', file, ...own], root)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  return [...configs.keys()]
}
