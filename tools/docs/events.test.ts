import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { TOPOLOGY_EVENTS } from '../../packages/server/src/balancer/topology/index.ts'

it('docs/balancer.md lists the events of a balancer as the code has them', () => {
  const markdown = readFileSync(join(import.meta.dirname, '../../docs/balancer.md'), 'utf8')
  const section = markdown.split(/^### /m).find((text) => text.startsWith('GET /v1/events'))!
  const rows = [...section.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, kind, meaning]) => [kind, meaning])
  assert.deepEqual(rows, Object.entries(TOPOLOGY_EVENTS))
})
