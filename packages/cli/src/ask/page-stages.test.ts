import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AskError, type Asker } from '@pulsewire/server'
import { askOver, KnownWays, stagesTold } from './page-stages.ts'

const ABOUT = { version: '0.1.0', node: 'v26', pid: 1, uptimeS: 60 }

test('what runs longest for its deadline comes first, with who holds it longest and how many wait', () => {
  const stage = (name: string, busyMs: number | null, deadlineMs = 2000) => ({ stage: name, deadlineMs, entries: 1, busyMs, holders: [] })
  const at = ['    at somewhere']
  const holders = [
    { holder: 'batch 7', heldMs: 2500, at },
    { holder: 'batch 8', heldMs: 10, at },
  ]
  const told = stagesTold('push-a1', {
    ...ABOUT,
    account: {
      stages: [
        stage('flush #10', null),
        stage('flush #2', null),
        stage('describe', 9000, 30_000),
        { ...stage('intake', 2500), holders, waiting: [{ holder: 'batch 9', heldMs: 5 }] },
      ],
      memory: { rss: 1, heapUsed: 20, heapLimit: 100 },
      loopDelayMs: { mean: 1, p99: 3, max: 40 },
      resources: {},
    },
  })
  assert.deepEqual(
    told.stages!.map(({ stage, busyMs, holder, waiting }) => [stage, busyMs, holder?.holder, waiting]),
    [
      ['intake', 2500, 'batch 7', 1],
      ['describe', 9000, undefined, 0],
      ['flush #2', null, undefined, 0],
      ['flush #10', null, undefined, 0],
    ],
  )
  assert.deepEqual([told.blockedMs, told.loopDelayMs, told.heap], [null, { p99: 3, max: 40 }, { usedBytes: 20, limitBytes: 100 }])
})

test('what a watchdog, or a process without one, does not know is left out', () => {
  const blocked = stagesTold('gw-1', {
    ...ABOUT,
    blockedMs: 4000,
    account: { stages: [], memory: { rss: 1 }, loopDelayMs: {}, resources: {} },
  })
  assert.deepEqual(blocked, { node: 'gw-1', blockedMs: 4000, stages: [], loopDelayMs: null, heap: null })
  assert.equal(stagesTold('gw-1', { ...ABOUT, account: null }).stages, null)
})

test('a way that was found is taken again: nobody is asked for it a second time, until it leads nowhere any more', async () => {
  const asked: string[] = []
  let isGone = false
  /** A gateway that has a link to push-a1, and none to pulse-1. */
  const gateway = (node: string) => ({
    node,
    async text(path: readonly string[], question: string) {
      asked.push([node, ...path, question].join(' '))
      if (question === 'links') return JSON.stringify({ node, links: [], neighbours: path.length === 0 ? ['push-a1'] : [] })
      if (isGone) throw new AskError('ask_no_way', 'it is gone')
      return '{}'
    },
  })
  const askers = [gateway('gw-1'), gateway('gw-2')] as unknown as Asker[]
  const ways = new KnownWays()
  const ask = async (node: string) => {
    asked.length = 0
    await askOver(askers, node, ways)
    return asked
  }
  assert.deepEqual((await ask('pulse-1')).at(-1), 'gw-1 pulse-1 stages')
  assert.ok(asked.includes('gw-1 push-a1 links'), 'all have to be asked for the way')
  assert.deepEqual(await ask('pulse-1'), ['gw-1 pulse-1 stages'])
  await ask('push-a1')
  assert.deepEqual(await ask('push-a1'), ['gw-1 push-a1 stages'])
  isGone = true
  await assert.rejects(() => ask('pulse-1'), /it is gone/)
  assert.ok(asked.includes('gw-2 links'), 'another way was looked for')
})
