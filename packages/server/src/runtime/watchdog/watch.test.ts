import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryLogger } from '../logger.ts'
import { LOOP_ROW, SharedStages } from '../stages/index.ts'
import type { WatchdogSettings } from './messages.ts'
import { type Finding, HOLD_MS_MAX, LOOK_INTERVAL_MS, Watch } from './watch.ts'

const SETTINGS: WatchdogSettings = {
  stageDeadlineMs: 2000,
  loopDeadlineMs: 1250,
  loopExitAfterMs: 4000,
  stageExitAfterMs: 5000,
  reports: { directory: '', filesMax: 1, bytesMax: 1 },
  probes: null,
  operatorSecret: null,
  logging: { level: 'info', format: 'json' },
  exitCodes: { stuck: 4, blocked: 5 },
  nodeId: 'push-a1',
  version: '0',
  config: '',
}

class World {
  nowMs = 1000
  loopTurns = true
  readonly names = new Map<number, string>()
  readonly stages = new SharedStages({ deadlineMs: 2000, nowMs: () => this.nowMs, onOpen: (row, name) => this.names.set(row, name) })
  readonly logger = createMemoryLogger()
  readonly findings: Finding[] = []
  readonly acts: string[] = []
  alive = 0
  readonly watch = new Watch({
    table: this.stages.table,
    names: this.names,
    settings: SETTINGS,
    logger: this.logger,
    nowMs: () => this.nowMs,
    look: async () => ({ stack: ['get now (node:internal/clock:1:1)', 'spins (file.ts:1:1)'], account: undefined }),
    askAccount: async () => ({
      stages: this.stages.accounts(),
      memory: { ...process.memoryUsage(), heapLimit: 1 },
      loopDelayMs: { mean: 0, p99: 0, max: 0 },
      resources: {},
    }),
    report: async (finding) => void this.findings.push(finding),
    askToEnd: (reason) => this.acts.push(`ask ${reason} at ${this.nowMs}`),
    end: async (code) => void this.acts.push(`end ${code} at ${this.nowMs}`),
    alive: () => this.alive++,
  })

  async run(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    while (this.nowMs < untilMs) {
      this.nowMs += LOOK_INTERVAL_MS
      if (this.loopTurns) this.stages.table.enter(LOOP_ROW, this.nowMs)
      this.watch.tick()
      await new Promise(setImmediate)
    }
  }

  get codes(): string[] {
    return this.logger.lines.map(({ code }) => code)
  }
}

describe('the watch', () => {
  it('names a stuck stage with its holder, asks for a good end, and forces it', async () => {
    const world = new World()
    world.stages.open('intake').hold('records of quotes/3')
    await world.run(2200)
    assert.deepEqual(world.stages.fault, { stage: 'intake', busyMs: 2200, holder: 'records of quotes/3' })
    assert.match(world.watch.trouble ?? '', /stage intake is past its deadline: busy for 2100 ms, held by records of quotes\/3/)
    assert.equal(world.findings[0]!.holder, 'records of quotes/3')
    await world.run(20_000)
    assert.deepEqual(world.acts, ['ask stuck at 8100', 'end 4 at 10100'])
    assert.deepEqual(world.codes, ['stage_stuck', 'process_ends'])
  })

  it('ends a blocked loop by force at once, with its stack in the report', async () => {
    const world = new World()
    await world.run(100)
    world.loopTurns = false
    await world.run(10_000)
    assert.deepEqual(world.acts, ['end 5 at 6400'])
    assert.equal(world.findings[0]!.stack!.length, 2)
    // Node's own frame is kept in the stack, but it is not what is named.
    assert.match(world.findings[0]!.message, /blocked for 1300 ms at spins/)
  })

  it('does not end what an operator looks at, until that is over, and not for ever', async () => {
    const world = new World()
    await world.run(100)
    world.loopTurns = false
    const hold = world.watch.hold()
    await world.run(20_000)
    assert.deepEqual(world.acts, [])
    assert.deepEqual(world.codes, ['event_loop_blocked'])
    hold[Symbol.dispose]()
    await world.run(LOOK_INTERVAL_MS)
    assert.deepEqual(world.acts, ['end 5 at 21200'])

    const forgotten = new World()
    await forgotten.run(100)
    forgotten.loopTurns = false
    forgotten.watch.hold()
    await forgotten.run(HOLD_MS_MAX + 10_000)
    assert.deepEqual(forgotten.acts, [`end 5 at ${6400 + HOLD_MS_MAX}`])
  })

  it('takes its word back when the stage goes on', async () => {
    const world = new World()
    const hold = world.stages.open('intake').hold('slow')
    await world.run(4000)
    hold[Symbol.dispose]()
    await world.run(10_000)
    assert.equal(world.stages.fault, null)
    assert.equal(world.watch.trouble, null)
    assert.deepEqual(world.acts, [])
    assert.deepEqual(world.codes, ['stage_stuck', 'stage_recovered'])
  })

  it('lets a loop that stops as well take precedence', async () => {
    const world = new World()
    world.stages.open('intake').hold('leaked')
    await world.run(3000)
    world.loopTurns = false
    await world.run(10_000)
    assert.deepEqual(world.acts, ['end 5 at 9300'])
  })

  it('starts anew after a standstill in the middle of an alarm', async () => {
    const world = new World()
    world.stages.open('intake').hold('leaked')
    await world.run(3000)
    world.nowMs += 60_000
    await world.run(1000)
    assert.equal(world.watch.trouble, null)
    assert.deepEqual(world.acts, [])
    await world.run(20_000)
    assert.equal(world.acts.length, 2)
  })

  it('tells a supervisor that all is well only while it is', async () => {
    const world = new World()
    await world.run(1000)
    assert.equal(world.alive, 10)
    world.loopTurns = false
    await world.run(10_000)
    assert.equal(world.alive, 22)
  })

  it('says what the table alone knows when the main thread says nothing', async () => {
    const world = new World()
    const stage = world.stages.open('flush')
    await world.run(100)
    stage.enter()
    world.loopTurns = false
    await world.run(3000)
    assert.match(world.findings[0]!.message, /busy with flush/)
    assert.equal(world.findings[0]!.account, null)
  })
})
