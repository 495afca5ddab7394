/** What every version put on the wire is read by this one as it was meant, and what this one writes is recorded. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SESSION_EVENTS } from '../../packages/server/src/history/event.ts'
import { VERSION } from '../../packages/server/src/runtime/version.ts'
import { isHop, textOf, type RecordedHop, type RecordedRecords } from './format.ts'
import { readHop, readRecord } from './read.ts'
import { makeRecording } from './record.ts'

const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory())

function textIn(version: string, name: string): string {
  return readFileSync(join(import.meta.dirname, version, name), 'utf8')
}

for (const { name: version } of folders) {
  describe(`version ${version}`, () => {
    for (const name of readdirSync(join(import.meta.dirname, version))) {
      test(`${name} is read as it was meant`, async () => {
        const file = JSON.parse(textIn(version, name)) as RecordedHop | RecordedRecords
        if (isHop(file)) {
          const read = readHop(file.encoding, file.messages)
          for (const [index, { means }] of file.messages.entries()) assert.deepEqual(read[index], means, `message ${index}`)
        } else for (const record of file.records) assert.deepEqual(await readRecord(record), record.means, record.key)
      })
    }
  })
}

describe('what this version writes', () => {
  test('is recorded, to the byte', async () => {
    const wanted = await makeRecording()
    for (const [name, file] of wanted) {
      const hint = `version ${VERSION} writes ${name} otherwise than recorded: raise the version and run npm run record (see test/recordings/README.md)`
      assert.ok(textOf(file) === textIn(VERSION, name), hint)
    }
    assert.deepEqual(readdirSync(join(import.meta.dirname, VERSION)).sort(), [...wanted.keys()].sort())
  })

  test('has what a day has: each kind of record, and the frames of a session; seldom ones are in the protocol’s vectors', async () => {
    const kinds = new Set<string>()
    for (const file of (await makeRecording()).values()) {
      if (isHop(file)) {
        for (const { from, means } of file.messages) for (const frame of means) kinds.add(`${from} ${(frame as { t: string }).t}`)
      } else for (const { topic, key } of file.records) kinds.add(`${topic} ${key.split('/')[0]}`)
    }
    for (const t of ['hello', 'subscribe', 'unsubscribe', 'ack', 'sync']) assert.ok(kinds.has(`receiver ${t}`), t)
    const fromSender = ['welcome', 'subscribed', 'unsubscribed', 'update', 'pulse', 'stale', 'live', 'sync', 'error', 'goodbye', 'feeds']
    for (const t of fromSender) assert.ok(kinds.has(`sender ${t}`), t)
    for (const kind of ['lease', 'word', 'feed', 'revoke', 'grey']) assert.ok(kinds.has(`control ${kind}`), kind)
    const records = (await makeRecording()).get('records.json') as RecordedRecords
    const events = records.records
      .filter(({ topic }) => topic === 'sessions')
      .map(({ value }) => (JSON.parse(value!) as { what: string }).what)
    assert.deepEqual(events, [...SESSION_EVENTS])
  })
})
