import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LOOP_ROW, SharedStages, type Stage } from '../stages/index.ts'
import { Judge } from './judge.ts'

const INTERVAL_MS = 100

class World {
  nowMs = 1000
  readonly stages = new SharedStages({ deadlineMs: 2000, nowMs: () => this.nowMs })
  readonly stage: Stage = this.stages.open('intake')
  readonly judge = new Judge(this.stages.table, { loopDeadlineMs: 1500, standstillMs: 500 }, this.nowMs)
  loopTurns = true

  /** Looks at the usual interval for `ms`. @returns the first thing overdue, and when. */
  run(ms: number): { row: number; afterMs: number } | undefined {
    const startedMs = this.nowMs
    while (this.nowMs < startedMs + ms) {
      this.nowMs += INTERVAL_MS
      if (this.loopTurns) this.stages.table.enter(LOOP_ROW, this.nowMs)
      const overdue = this.judge.look(this.nowMs)
      if (overdue !== undefined) return { row: overdue.row, afterMs: this.nowMs - startedMs }
    }
    return undefined
  }
}

describe('the judge', () => {
  it('finds a stage just past its deadline, not before', () => {
    const world = new World()
    world.stage.hold('leaked')
    assert.equal(world.run(2000), undefined)
    assert.deepEqual(world.run(500), { row: 1, afterMs: 100 })
  })

  it('lets a stage be that is busy again and again', () => {
    const world = new World()
    for (let i = 0; i < 10; i++) {
      world.stage.enter()
      assert.equal(world.run(1900), undefined)
      world.stage.leave()
    }
  })

  it('finds an event loop that does not turn, before any stage', () => {
    const world = new World()
    world.run(500)
    world.stage.enter()
    world.loopTurns = false
    assert.deepEqual(world.run(10_000), { row: LOOP_ROW, afterMs: 1600 })
  })

  it('does not take a process that stood still for stuck, and finds it later if it is', () => {
    const world = new World()
    world.stage.hold('leaked')
    world.run(1500)
    world.nowMs += 20_000
    assert.equal(world.run(2000), undefined)
    assert.equal(world.judge.standstills, 1)
    assert.deepEqual(world.run(1000), { row: 1, afterMs: 200 })
  })

  it('does not take a loop for blocked whose beats come late after a standstill', () => {
    const world = new World()
    world.run(300)
    world.nowMs += 20_000
    world.loopTurns = false
    assert.equal(world.run(1400), undefined)
    world.loopTurns = true
    assert.equal(world.run(1000), undefined)
  })

  it('names what is furthest past its deadline', () => {
    const world = new World()
    const other = world.stages.open('append', { deadlineMs: 5000 })
    other.hold('late')
    world.run(2900)
    world.stage.hold('leaked')
    // Past their deadlines at 5,000 and 4,900 ms.
    assert.equal(world.run(2000), undefined)
    world.nowMs += 300
    assert.equal(world.judge.look(world.nowMs)?.row, 1)
  })

  it('says when it is over', () => {
    const world = new World()
    const hold = world.stage.hold('slow')
    assert.equal(world.run(3000)?.row, 1)
    assert.equal(world.judge.isOver(1, world.nowMs), false)
    hold[Symbol.dispose]()
    assert.equal(world.judge.isOver(1, world.nowMs), true)
  })
})
