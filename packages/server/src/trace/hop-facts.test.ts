import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'
import { hopFacts } from './hop-facts.ts'

test('a session that chose fields is behind only by what it has asked for', async () => {
  const sender = new Sender()
  sender.record('A', { last: 1, bid: 1 })
  const receiver = sender.connect()
  receiver.subscribe(['A'], { fields: ['bid'] })
  sender.clock.advance(100)
  const { hub, sessions } = sender
  const [session] = [...sessions]
  const own = () => ({ links: [], beside: null, log: null })
  const behindBy = async () => {
    const facts = await hopFacts(
      { node: 'gw-1', role: 'gateway', hub, sessions, own },
      { feed: 'quote', symbol: 'A', session: session!.id },
    )
    return facts.session?.subscription?.behindBy
  }
  sender.record('A', { last: 2, bid: 1 })
  assert.equal(await behindBy(), 1, 'nobody has looked yet')
  sender.clock.advance(100)
  assert.equal(await behindBy(), 0, 'nothing of it was asked for')
  sender.record('A', { last: 2, bid: 2 })
  sender.clock.advance(100)
  assert.equal(await behindBy(), 0)
})
