import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyMistakes } from './rendered-policies.ts'

const OWN = { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'pulsewire' } } }
const policy = (port: number, from?: readonly object[]) => ({
  kind: 'NetworkPolicy',
  metadata: { name: 'quotes-push' },
  spec: { ingress: [{ ports: [{ port }], ...(from === undefined ? {} : { from }) }, { ports: [{ port: 'probes' }] }] },
})

test('pods of the same namespace, or of one that is named, may connect; of any namespace is a mistake', () => {
  const named = { ...OWN, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'quotes-grey' } } }
  assert.deepEqual(policyMistakes([null, { kind: 'Service' }, policy(8081, [OWN, named]), policy(8080)]), [])
  assert.deepEqual(policyMistakes([policy(8081, [{ ...OWN, namespaceSelector: {} }])]), ['quotes-push admits pods of any namespace'])
  assert.deepEqual(policyMistakes([policy(8081)]), ['quotes-push admits everybody to push nodes'])
})
