import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Exclusive, SharedStages } from './index.ts'

function world(): { stages: SharedStages; names: string[]; pass: (ms: number) => void } {
  let nowMs = 1000
  const names: string[] = []
  const stages = new SharedStages({ deadlineMs: 2000, nowMs: () => nowMs, onOpen: (_row, name) => names.push(name) })
  return { stages, names, pass: (ms) => (nowMs += ms) }
}

function holdersOf(stages: SharedStages): [string, number][] {
  return stages.accounts()[0]!.holders.map(({ holder, heldMs }) => [holder, heldMs])
}

describe('stages', () => {
  it('are busy from enter to leave, and count', () => {
    const { stages, pass } = world()
    const stage = stages.open('flush')
    stage.enter()
    pass(30)
    assert.deepEqual(stages.accounts(), [{ stage: 'flush', deadlineMs: 2000, entries: 1, busyMs: 30, holders: [] }])
    stage.leave()
    assert.equal(stages.accounts()[0]!.busyMs, null)
  })

  it('are busy since the oldest hold, whatever the order in which holds end', () => {
    const { stages, pass } = world()
    const stage = stages.open('append')
    const first = stage.hold('first')
    pass(10)
    const second = stage.hold('second')
    pass(10)
    const third = stage.hold('third')
    pass(10)
    assert.equal(stages.accounts()[0]!.busyMs, 30)
    second[Symbol.dispose]()
    assert.equal(stages.accounts()[0]!.busyMs, 30)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    assert.equal(stages.accounts()[0]!.busyMs, 10)
    assert.deepEqual(holdersOf(stages), [['third', 10]])
    third[Symbol.dispose]()
    assert.equal(stages.accounts()[0]!.busyMs, null)
  })

  it('hold until a promise has settled, however it does', async () => {
    const { stages } = world()
    const stage = stages.open('describe')
    const failing = stage.during('topic a', Promise.reject(new Error('no')))
    assert.notEqual(stages.accounts()[0]!.busyMs, null)
    await assert.rejects(failing, /no/)
    assert.equal(stages.accounts()[0]!.busyMs, null)
  })

  it('say which of them the watchdog named, with the holder as it calls itself now', () => {
    const { stages, pass } = world()
    stages.open('decode')
    const hold = stages.open('intake').hold('batch 1')
    hold.rename('batch 2')
    pass(2500)
    assert.equal(stages.fault, null)
    stages.table.overdueRow = 2
    assert.deepEqual(stages.fault, { stage: 'intake', busyMs: 2500, holder: 'batch 2' })
  })

  it('of one name are told apart', () => {
    const { stages, names } = world()
    for (let i = 0; i < 3; i++) stages.open('intake')
    assert.deepEqual(names, ['intake', 'intake #2', 'intake #3'])
  })

  it('beyond the table are counted and cost nothing', () => {
    const { stages } = world()
    for (let i = 0; i < 300; i++) stages.open('s').enter()
    assert.equal(stages.unwatched, 45)
  })
})

describe('an exclusive section', () => {
  function section(queueMax = 2): { exclusive: Exclusive; stages: SharedStages; pass: (ms: number) => void } {
    const { stages, pass } = world()
    return { stages, pass, exclusive: stages.exclusive('subscriptions', { queueMax }) }
  }

  it('lets one in at a time, in order, and nobody overtakes', async () => {
    const { exclusive } = section()
    const order: string[] = []
    const first = await exclusive.enter('first')
    const waiting = ['second', 'third'].map(async (holder) => {
      using _ = await exclusive.enter(holder)
      order.push(holder)
    })
    first[Symbol.dispose]()
    assert.equal(exclusive.tryEnter('late'), undefined)
    await Promise.all(waiting)
    assert.deepEqual(order, ['second', 'third'])
    assert.equal(exclusive.isHeld, false)
  })

  it('names who is in it, since when, and who waits', async () => {
    const { exclusive, stages, pass } = section()
    using _ = await exclusive.enter('records of quotes/3')
    pass(100)
    void exclusive.enter('a subscribe of gw-1')
    pass(50)
    const account = stages.accounts()[0]!
    assert.deepEqual(holdersOf(stages), [['records of quotes/3', 150]])
    assert.match(account.holders[0]!.at.join(), /stages\.test\.ts/)
    assert.deepEqual(account.waiting, [{ holder: 'a subscribe of gw-1', heldMs: 50 }])
  })

  it('gives the next one a deadline of its own', async () => {
    const { exclusive, stages, pass } = section()
    const first = await exclusive.enter('first')
    const second = exclusive.enter('second')
    pass(1900)
    first[Symbol.dispose]()
    await second
    pass(200)
    assert.equal(stages.accounts()[0]!.busyMs, 200)
  })

  it('refuses whom its queue does not hold', async () => {
    const { exclusive } = section(1)
    using _ = await exclusive.enter('first')
    void exclusive.enter('second')
    await assert.rejects(exclusive.enter('third'), /1 tasks wait for subscriptions already; third is refused/)
  })

  it('left twice frees it once', async () => {
    const { exclusive } = section()
    const first = await exclusive.enter('first')
    first[Symbol.dispose]()
    using _ = await exclusive.enter('second')
    first[Symbol.dispose]()
    assert.equal(exclusive.tryEnter('third'), undefined)
  })
})
