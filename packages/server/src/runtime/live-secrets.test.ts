import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Secret } from './config/index.ts'
import { secretsOf, sourceOf } from './config/secrets.ts'
import { FileWatch } from './file-watch.ts'
import { LiveSecrets } from './live-secrets.ts'
import { createMemoryLogger } from './logger.ts'

const [OLD, NEW] = ['an old secret of the test', 'a new secret of the test']
const directory = mkdtempSync(join(tmpdir(), 'pulsewire-secrets-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function follow(name: string, keptMs?: number) {
  const file = join(directory, name)
  writeFileSync(file, OLD)
  const setting = { section: 'inner', name: 'secret', charsMin: 16 }
  const values = { secretFile: file }
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  let hangup = () => {}
  const watch = new FileWatch({
    clock,
    onHangup: (callback) => {
      hangup = callback
      return () => {}
    },
  })
  const live = new LiveSecrets({
    secrets: secretsOf(setting, values, []),
    source: sourceOf(setting, values)!,
    watch,
    clock,
    logger,
    ...(keptMs === undefined ? {} : { keptMs }),
  })
  const told: string[][] = []
  live.onChange(() => told.push(texts(live)))
  return { live, clock, logger, told, watch, write: (text: string) => writeFileSync(file, text), hangup: () => hangup() }
}

const texts = ({ accepted }: LiveSecrets) => accepted.map((secret) => secret.reveal())

test('a file that has changed is read anew by itself; who holds the one to show has the new one', async () => {
  const { live, clock, logger, told, write } = follow('changed')
  const shown = live.shown!
  await clock.pass(10_000)
  assert.deepEqual([texts(live), told], [[OLD], []])
  write(`${NEW}\n${OLD}\n`)
  await clock.pass(2000)
  assert.deepEqual([texts(live), told, shown.reveal(), String(shown)], [[NEW, OLD], [[NEW, OLD]], NEW, '[redacted]'])
  const [line] = logger.lines.filter(({ code }) => code === 'secrets_reread')
  assert.match(line!.message, /inner\.secretFile: the file .*changed was read anew \(it has changed\) and holds 2 secret/)
  for (const each of logger.lines) assert.ok(!JSON.stringify(each).includes(NEW))
})

test('on SIGHUP at once; the same again is no change', async () => {
  const { live, told, write, hangup, clock } = follow('hangup')
  hangup()
  assert.deepEqual(told, [])
  write(NEW)
  hangup()
  assert.deepEqual([texts(live), told], [[NEW], [[NEW]]])
  await clock.pass(10_000)
  assert.equal(told.length, 1)
})

test('what cannot be used never takes the place of what can', async () => {
  const { live, clock, logger, write } = follow('bad')
  for (const [text, why] of [
    ['', /is empty/],
    ['short', /has 5 characters, expected at least 16/],
  ] as const) {
    write(text)
    await clock.pass(2000)
    const line = logger.lines.filter(({ code }) => code === 'secrets_unusable').at(-1)
    assert.match(line!.message, why)
    assert.match(line!.message, /what the file held before stays in use/)
    assert.deepEqual(texts(live), [OLD])
  }
  rmSync(join(directory, 'bad'))
  await clock.pass(2000)
  assert.deepEqual(texts(live), [OLD])
  assert.equal(logger.lines.filter(({ code }) => code === 'secrets_unusable').length, 3)
})

test('what was taken out is let in for a while where nodes get their files one after the other, and never shown', async () => {
  const { live, clock, told, write, watch } = follow('kept', 60_000)
  write(NEW)
  await clock.pass(2000)
  assert.deepEqual([texts(live), live.shown!.reveal()], [[NEW, OLD], NEW])
  await clock.pass(60_000)
  assert.deepEqual(texts(live), [NEW])
  assert.deepEqual(told.at(-1), [NEW], 'whoever keeps a list of its own is told of the end')
  write(OLD)
  await clock.pass(2000)
  watch.close()
  assert.equal(clock.timers, 0)
})

test('secrets that are not from a file stay as they are, and SIGHUP means what it did', () => {
  const clock = new ManualClock()
  let followed = 0
  const onHangup = () => {
    followed++
    return () => {}
  }
  const watch = new FileWatch({ clock, onHangup })
  const live = new LiveSecrets({ secrets: [new Secret(OLD)], watch, clock, logger: createMemoryLogger() })
  assert.deepEqual([texts(live), followed], [[OLD], 0])
  assert.equal(new LiveSecrets({ secrets: [], watch, clock, logger: createMemoryLogger() }).shown, undefined)
})
