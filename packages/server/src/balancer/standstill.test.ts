import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startBalancer } from './test-support/balancer-world.ts'

describe('when a balancer judges', () => {
  it('judges nobody by what came while it stood still itself, and says that its verdicts are old', async () => {
    await using world = await startBalancer()
    const answers = () => [world.nodes(), world.answer()!.reasons.map(({ code }) => code)]
    world.pass(5000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], []])
    world.clock.spend(30_000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], ['verdicts_old']], 'asked before anything else runs')
    world.clock.advance(0)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], ['verdicts_old']])
    world.pass(2000)
    assert.deepEqual(answers(), [['gw-1', 'gw-2'], []])
  })

  it('after a standstill hands out alone what it has heard from since', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.gateways.freeze('gw-1')
    world.clock.spend(30_000)
    world.pass(1000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-2'], true])
    world.pass(2000)
    assert.deepEqual([world.nodes(), world.answer()!.degraded], [['gw-2'], false])
  })

  it('judges what changes at once, and a crowd of changes together', async () => {
    await using world = await startBalancer()
    world.pass(5000)
    world.clock.advance(50)
    world.directory.say('gw-1', 'offline')
    world.clock.advance(0)
    assert.deepEqual(world.nodes(), ['gw-2'])
    world.directory.say('gw-1', 'online')
    world.clock.advance(10)
    assert.deepEqual(world.nodes(), ['gw-1', 'gw-2'])
    let looks = 0
    const { feeds } = world.directory
    Object.defineProperty(world.directory, 'feeds', {
      get() {
        looks++
        return feeds
      },
    })
    world.balancer.judgeNow()
    const looksOfOne = looks
    for (let change = 0; change < 400; change++) {
      world.directory.beat('gw-1')
      world.clock.advance(0.1)
    }
    const judgements = looks / looksOfOne - 1
    assert.ok(judgements >= 3 && judgements <= 6, `${judgements} in 40 ms`)
  })
})
