/**
 * `npm run check:deploy`: the chart, without a cluster. `helm lint` and `helm template` with the values of its `ci/`, and
 * everything rendered against the schemas of Kubernetes by kubeconform, and each role's configuration by the role. Helm and
 * kubeconform are taken from the path, or built by Go; the schemas come out of the Kubernetes module. Ends with 1 when
 * something is wrong, and with 2 when these could not be had.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureGoTool, ToolMissing } from './deploy/go-tools.ts'
import { writeSchemas } from './deploy/kubernetes-schemas.ts'
import { checkRenderedConfig } from './deploy/rendered-config.ts'
import { run } from './packages/run.ts'

/** The version that the schemas are of. */
const KUBERNETES = '1.34.2'
const root = join(import.meta.dirname, '..')
const chart = join(root, 'deploy/helm/pulsewire')
const cache = join(root, '.cache/deploy')

async function main(): Promise<void> {
  await mkdir(cache, { recursive: true })
  const [helm, kubeconform] = [
    await ensureGoTool('helm', 'helm.sh/helm/v3/cmd/helm@v3.19.0', cache),
    await ensureGoTool('kubeconform', 'github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0', cache),
  ]
  const schemas = await writeSchemas(KUBERNETES, join(cache, `schemas-${KUBERNETES}`))
  let checked = 0
  for (const file of (await readdir(join(chart, 'ci'))).sort()) {
    const values = ['--kube-version', KUBERNETES, '--values', join(chart, 'ci', file)]
    await run(helm, ['lint', '--strict', '--quiet', ...values, chart], root)
    const rendered = join(cache, `rendered-${file}`)
    const text = await run(helm, ['template', 'quotes', ...values, chart], root)
    await writeFile(rendered, text)
    // The monitor is no kind of Kubernetes itself.
    const options = [
      '-strict',
      '-summary',
      '-skip',
      'PodMonitor',
      '-schema-location',
      `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
    ]
    process.stdout.write(`${file}: ${await run(kubeconform, [...options, rendered], root)}`)
    console.log(`${file}: good for their roles: ${(await checkRenderedConfig(root, text)).join(', ')}`)
    checked++
  }
  console.log(`Chart: ${checked} sets of values passed, 0 failed`)
}

try {
  await main()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = error instanceof ToolMissing ? 2 : 1
}
