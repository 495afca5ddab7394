import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findCycles, findViolations } from './boundaries.ts'
import type { Import } from './imports.ts'

function edge(from: string, to: string | undefined, specifier = './x.ts', isTypeOnly = false): Import {
  return { from, to, specifier, isTypeOnly }
}

/** The name of the rule that an import breaks, if it breaks one. */
function broken(...args: Parameters<typeof edge>): string | undefined {
  return /\((\S+):/.exec(findViolations([edge(...args)])[0] ?? '')?.[1]
}

const server = 'packages/server/src'

describe('boundaries', () => {
  it('names the rule that is broken', () => {
    assert.equal(broken('packages/protocol/src/a.ts', undefined, 'node:fs'), 'protocol-imports-nothing')
    assert.equal(broken('packages/client/src/a.ts', undefined, 'ws'), 'client-imports-only-protocol')
    assert.equal(broken('packages/client/src/a.ts', undefined, 'node:fs'), 'client-imports-only-protocol')
    assert.equal(broken(`${server}/hub/a.ts`, 'packages/client/src/index.ts'), 'server-imports-only-protocol')
    assert.equal(broken('packages/console/src/a.tsx', `${server}/index.ts`), 'console-imports-no-server')
    assert.equal(broken(`${server}/push/a.ts`, `${server}/gateway/index.ts`), 'roles-meet-on-the-wire')
    assert.equal(broken(`${server}/push/a.ts`, `${server}/hub/hub.ts`), 'stages-have-a-door')
    assert.equal(broken('packages/cli/src/a.ts', `${server}/hub/index.ts`, '../../server/src/hub/index.ts'), 'packages-have-a-door')
    assert.equal(broken('packages/cli/src/a.ts', 'packages/client/src/a.ts', '../../client/src/a.ts'), 'packages-have-a-door')
  })

  it('lets through what is allowed', () => {
    assert.equal(broken(`${server}/push/a.ts`, `${server}/hub/index.ts`), undefined)
    assert.equal(broken(`${server}/push/a.ts`, `${server}/runtime/clock.ts`), undefined)
    assert.equal(broken(`${server}/push/a.ts`, undefined, 'ws'), undefined)
    assert.equal(broken(`${server}/push/a.test.ts`, `${server}/hub/hub.ts`), undefined)
    assert.equal(broken('packages/client/src/a.ts', 'packages/protocol/src/index.ts', '@pulsewire/protocol'), undefined)
  })

  it('finds cycles, but not those of types alone', () => {
    assert.deepEqual(findCycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a'), edge('c', 'd')]), [['a', 'b', 'c', 'a']])
    assert.deepEqual(findCycles([edge('a', 'b'), edge('b', 'a', './a.ts', true)]), [])
  })
})
