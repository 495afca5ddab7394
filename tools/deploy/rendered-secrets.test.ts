import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretMistakes } from './rendered-secrets.ts'

function workload(role: string, files: readonly string[]): object {
  const sources = [{ secret: { items: files.map((path) => ({ path })) } }, { downwardAPI: { items: [] } }]
  const template = {
    metadata: { labels: { 'app.kubernetes.io/component': role } },
    spec: {
      containers: [{ volumeMounts: [{ mountPath: '/etc/pulsewire' }, { mountPath: '/run/secrets/pulsewire' }] }],
      volumes: [{ name: 'config' }, { name: 'secrets', projected: { sources } }],
    },
  }
  return { kind: role === 'balancer' ? 'Deployment' : 'StatefulSet', spec: { template } }
}

const reads = (...files: readonly string[]) => files.map((file) => `  secretFile: /run/secrets/pulsewire/${file}`).join('\n')

test('a secret that is read and not mounted, or mounted and not read, or withheld from a role, is a mistake', () => {
  const documents = [null, { kind: 'Service' }, workload('gateway', ['operator', 'inner']), workload('balancer', ['probe'])]
  const good = new Map([['gateway', reads('operator', 'inner')]])
  assert.deepEqual(secretMistakes(documents, good), [])
  assert.deepEqual(secretMistakes(documents, new Map([['gateway', reads('operator', 'gateway-tls.crt')]])), [
    'gateway reads /run/secrets/pulsewire/gateway-tls.crt, which is not mounted',
    '/run/secrets/pulsewire/inner is mounted for gateway, which does not read it',
  ])
  assert.deepEqual(secretMistakes(documents, new Map([['gateway', `${reads('operator', 'inner')}\nkeyFiles: [/run/keys/a.pem]`]])), [
    'gateway reads /run/keys/a.pem, where nothing is mounted',
  ])
  assert.deepEqual(secretMistakes(documents, new Map([['balancer', reads('probe')]])), ['balancer does not read the secret of operators'])
})
