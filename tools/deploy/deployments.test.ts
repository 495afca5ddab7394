/** What is deployed by files of this repository, as far as it can be told without an engine or a cluster. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const read = (...path: readonly string[]): string => readFileSync(join(DEPLOY, ...path), 'utf8')

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly image: string; readonly command: readonly string[]; readonly secrets?: readonly string[] }>
  >
}

test('each node of the compose file reads the secrets that it is given, operators’ among them', () => {
  const { services } = parse(read('docker/compose.yaml'), { merge: true }) as Compose
  const nodes = Object.entries(services).filter(([, { image }]) => image === 'pulsewire:local')
  assert.ok(nodes.length >= 8)
  for (const [name, { command, secrets = [] }] of nodes) {
    const file = command.find((each) => each.startsWith('/etc/pulsewire/'))
    const config = file === undefined ? '' : read('docker/config', file.replace('/etc/pulsewire/', ''))
    const named = [...config.matchAll(/\/run\/secrets\/([\w-]+)/g)].map(([, secret]) => secret)
    assert.deepEqual(named, secrets, name)
    assert.equal(secrets.includes('operator'), file !== undefined, name)
  }
})

/** As systemd sets it, before the file of the instance. */
function unitEnvironment(unit: string): Record<string, string> {
  return Object.fromEntries([...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]))
}

test('the unit starts for production: what is for development is refused', () => {
  const command = [join(import.meta.dirname, '../../packages/cli/src/main.ts'), 'config', 'check', 'gateway']
  const upstreams = ['--set', 'gateway.upstreams=[{line: A, addresses: [ws://push-a1:8081]}]']
  const checked = (env: NodeJS.ProcessEnv) => spawnSync(process.execPath, [...command, ...upstreams], { env, encoding: 'utf8' })
  assert.equal(checked({}).status, 0, 'it is good for development')
  const { status, stderr } = checked(unitEnvironment(read('systemd/pulsewire@.service')))
  assert.equal(status, 2)
  assert.match(stderr, /gateway\.access\.mode: found open/)
})
