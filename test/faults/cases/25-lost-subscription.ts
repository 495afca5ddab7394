import { MessageTrap, TcpProxy, WebSocketFilter } from '../../support/proxy/index.ts'
import { ClientRecorder } from '../../support/checker/client-recorder.ts'
import { faultCase } from '../rig/fault-case.ts'

const ON_LINKS = new Map(['push-a1', 'push-b1'].map((id) => [`gw-1/${id}`, { up: new MessageTrap(), down: new MessageTrap() }]))

export default faultCase({
  number: 25,
  name: 'subscription lost mid-chain',
  expected:
    'a subscribe, an answer, an unsubscribe go missing on either hop, in a stream that stays valid: repaired, counted; what nobody has answered is not shown as live',
  bound: { detectMs: 5_000, recoverMs: 5_000 },
  topology: {
    clients: 6,
    symbols: 48,
    proxies: { links: true },
    linkTraps: (link) => ON_LINKS.get(link) ?? { up: new MessageTrap(), down: new MessageTrap() },
  },
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const [up, down] = [new MessageTrap(), new MessageTrap()]
    const filters = () => ({ up: new WebSocketFilter(up), down: new WebSocketFilter(down) })
    const line = run.own(await TcpProxy.listen({ port: gateway.port }, { filters }))
    const [first, second, third, fourth, fifth, sixth] = run.symbols.quote.slice(-6) as [string, string, string, string, string, string]
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

    // The next hop, on both lines: a symbol that nobody had asked this gateway for.
    const falselyLive: string[] = []
    const loseOnLinks = async (way: 'up' | 'down', symbol: string): Promise<number> => {
      const isIt = (payload: Buffer) => payload.includes(way === 'up' ? '"subscribe"' : '"subscribed"') && payload.includes(symbol)
      const caught = Promise.all([...ON_LINKS.values()].map((traps) => traps[way].catchNext(isIt)))
      view.add([symbol])
      await caught
      const lostAtMs = run.nowMs
      const before = [...ON_LINKS.values()].map(({ down }) =>
        down.seeNext((payload) => payload.includes('"subscribed"') && payload.includes(symbol)),
      )
      let answered = false
      void Promise.any(before).then(() => (answered = true))
      await run.until(
        () => {
          if (isLive(symbol) && !answered) falselyLive.push(symbol)
          return isLive(symbol)
        },
        `what was lost on the links to push nodes (${way}) is repaired`,
        10_000,
      )
      return run.nowMs - lostAtMs
    }
    const linkSubscribeMs = await loseOnLinks('up', fifth)
    const linkAnswerMs = await loseOnLinks('down', sixth)
    const worstMs = Math.max(subscribeMs, answerMs, unsubscribeMs, linkSubscribeMs, linkAnswerMs)
    const differed =
      gateway.count('digest_differs') + run.installation.pushNodes.reduce((sum, node) => sum + node.count('digest_differs'), 0)
    return {
      detectMs: worstMs,
      recoverMs: worstMs,
      failures: [
        ...(one.sessions.length === 1 ? [] : [`the session was given up: ${one.sessions.length}`]),
        ...falselyLive.map((symbol) => `${symbol} was shown as live, and no push node had answered for it`),
        ...(differed === 0 ? ['no end of a session found that the other holds another set'] : []),
      ],
      notes: [
        `repaired after ${Math.round(subscribeMs)} ms (subscribe), ${Math.round(answerMs)} ms (answer), ${Math.round(unsubscribeMs)} ms (unsubscribe), on the links to push nodes ${Math.round(linkSubscribeMs)} ms (subscribe), ${Math.round(linkAnswerMs)} ms (answer); digests differed ${differed} times`,
      ],
    }
  },
})
