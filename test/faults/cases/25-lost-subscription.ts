import { MessageTrap, TcpProxy, WebSocketFilter } from '../../support/proxy/index.ts'
import { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { faultCase } from '../rig/fault-case.ts'

export default faultCase({
  number: 25,
  name: 'subscription lost mid-chain',
  expected: 'a subscribe, an answer, an unsubscribe go missing in a stream that stays valid: repaired, counted',
  bound: { detectMs: 5_000, recoverMs: 5_000 },
  topology: { clients: 6 },
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const [up, down] = [new MessageTrap(), new MessageTrap()]
    const filters = () => ({ up: new WebSocketFilter(up), down: new WebSocketFilter(down) })
    const line = run.own(await TcpProxy.listen({ port: gateway.port }, { filters }))
    const [first, second, third, fourth] = run.symbols.quote.slice(-4) as [string, string, string, string]
    // In readable frames, so that a trap can tell them.
    const one = new ClientRecorder('victim', { url: line.url, encoding: 'json' }, [{ feed: 'quote', delivery: 'latest', symbols: [first] }])
    run.clients.push(one)
    const view = one.views[0]!
    const isLive = (symbol: string) => view.subscription.get(symbol)?.state.state === 'live'
    await run.until(() => one.live, 'the victim is live', 10_000)

    /** @returns how long after the loss everything was as it should be. */
    const lose = async (trap: MessageTrap, word: string, act: () => void, repaired: () => boolean): Promise<number> => {
      const caught = trap.catchNext((payload) => payload.includes(word))
      act()
      await caught
      const lostAtMs = run.nowMs
      await run.until(repaired, `a lost ${word} is repaired`, 10_000)
      return run.nowMs - lostAtMs
    }
    const subscribeMs = await lose(
      up,
      '"subscribe"',
      () => view.add([second]),
      () => isLive(second),
    )
    const answerMs = await lose(
      down,
      '"subscribed"',
      () => view.add([third]),
      () => isLive(third),
    )
    // What the checker looks at stays subscribed: this one is beside it.
    const beside = one.client.subscribe({ feed: 'quote', symbols: [fourth], fields: ['last'] })
    await run.until(() => beside.state.state === 'live', 'the symbol to leave is live', 10_000)
    let confirmed = false
    const confirmation = down.seeNext((payload) => payload.includes('"unsubscribed"'))
    void confirmation.then(() => (confirmed = true))
    const unsubscribeMs = await lose(
      up,
      '"unsubscribe"',
      () => beside.close(),
      () => confirmed,
    )
    await run.pass(3_000)
    const worstMs = Math.max(subscribeMs, answerMs, unsubscribeMs)
    return {
      detectMs: worstMs,
      recoverMs: worstMs,
      failures: one.sessions.length === 1 ? [] : [`the session was given up: ${one.sessions.length}`],
      notes: [
        `repaired after ${Math.round(subscribeMs)} ms (subscribe), ${Math.round(answerMs)} ms (answer), ${Math.round(unsubscribeMs)} ms (unsubscribe); digests differed ${gateway.count('digest_differs')} times`,
      ],
    }
  },
})
