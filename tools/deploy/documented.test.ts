/** What docs/deploy.md says to type and to write is what is checked, and what the chart reads. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type ConfigRole, loadConfig } from '../../packages/server/src/runtime/config/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/deploy.md')
const chart = page.slice(page.indexOf('## Kubernetes: the chart'), page.indexOf('## systemd'))
const systemd = page.slice(page.indexOf('## systemd'), page.indexOf('## Upgrade'))

interface Values {
  readonly feeds: readonly { readonly topic: string }[]
  readonly secrets: Readonly<Record<string, { readonly name: string; readonly key?: string }>>
}

const documented = parse(read('deploy/helm/pulsewire/ci/documented.yaml')) as Values

test('the values of the page are those that the chart is checked with', () => {
  const block = /```yaml\n(image:.*?)```/s.exec(chart)?.[1]
  assert.deepEqual(parse(block ?? ''), documented)
})

test('each secret that the values name is made by a command of the page, under its key', () => {
  const commands = [...chart.matchAll(/create secret generic (\S+)((?:[^\n]*\\\n)*[^\n]*)/g)]
  const made = new Map(commands.map(([, name, rest]) => [name, [...rest!.matchAll(/--from-literal=([\w.-]+)=/g)].map(([, key]) => key)]))
  for (const { name, key } of Object.values(documented.secrets)) assert.ok(made.get(name)?.includes(key), `${name}: ${key}`)
})

test('each topic is made by a command of the page: one per feed, and the control topic, of one partition and compacted', () => {
  const made = new Map([...page.matchAll(/kafka-topics\.sh .*--create --topic (\S+)(.*)/g)].map(([, topic, rest]) => [topic, rest!]))
  for (const { topic } of documented.feeds) assert.ok(made.has(topic), topic)
  assert.match(made.get('pulsewire.control') ?? '', /--partitions 1 .*cleanup\.policy=compact/)
})

test('systemd: each role is good for production by the configuration of the page, and its secrets are drawn by a command', () => {
  const configs = [...systemd.matchAll(/```yaml\n# \/etc\/pulsewire\/(\w+)\.yaml\n(.*?)```/gs)]
  assert.deepEqual(configs.map(([, role]) => role).sort(), ['balancer', 'gateway', 'pulse', 'push'])
  const [, drawn] = /for secret in ([\w ]+); do/.exec(systemd)!
  const folder = mkdtempSync(join(tmpdir(), 'pulsewire-documented-'))
  try {
    const secrets = drawn!.split(' ').map((name) => `${name}-secret`)
    for (const file of [...secrets, 'tls.crt', 'tls.key']) writeFileSync(join(folder, file), randomBytes(24).toString('hex'))
    for (const [, role, text] of configs) {
      const file = join(folder, `${role}.yaml`)
      writeFileSync(file, text!.replaceAll('/etc/pulsewire', folder))
      assert.doesNotThrow(() => loadConfig(role as ConfigRole, { file, env: { NODE_ENV: 'production' } }), role)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
