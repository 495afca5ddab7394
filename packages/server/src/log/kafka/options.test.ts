import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { resolveOptions } from './options.ts'

let directory: string

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'pulsewire-options-'))
})
after(() => rmSync(directory, { recursive: true }))

function put(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

const BROKERS = ['kafka:9092']
const LOGIN = { mechanism: 'PLAIN', username: 'u' } as const

test('files are read at each connection; one that is gone, or empty, counts as it was', () => {
  const passwordFile = put('password', 'first\n')
  const caFile = put('ca.crt', 'A')
  const { connection } = resolveOptions({ brokers: BROKERS, tls: { caFile }, sasl: { ...LOGIN, passwordFile } })
  const now = () => [connection().sasl?.password, connection().tls?.ca?.toString()]
  assert.deepEqual(now(), ['first', 'A'])
  put('password', 'second')
  put('ca.crt', 'B')
  assert.deepEqual(now(), ['second', 'B'])
  put('password', '')
  assert.deepEqual(now(), ['second', 'B'])
  rmSync(passwordFile)
  assert.deepEqual(now(), ['second', 'B'])
  put('password', 'third')
  assert.deepEqual(now(), ['third', 'B'])
})

test('what cannot be read at the beginning is an error at once', () => {
  const absent = join(directory, 'absent')
  assert.throws(() => resolveOptions({ brokers: BROKERS, sasl: { ...LOGIN, passwordFile: absent } }), /absent/)
  assert.throws(() => resolveOptions({ brokers: BROKERS, tls: { caFile: absent } }), /absent/)
  assert.throws(() => resolveOptions({ brokers: BROKERS, sasl: { ...LOGIN, passwordFile: put('nothing', '\n') } }), /nothing is empty/)
})
