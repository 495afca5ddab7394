import { faultCase } from '../rig/fault-case.ts'

const HEAP_MIB = 64
const RECOVER_MS_MAX = 5_000
/** Much more than the heap holds; each one costs the node a line for each of its symbols. */
const RECEIVERS_MAX = 2_000
const SYMBOLS = Array.from({ length: 4_000 }, (_, i) => `X${i}.US`)
/** So many fit into one message of a client. */
const SYMBOLS_PER_FRAME = 1_000

export default faultCase({
  number: 28,
  name: 'memory pressure',
  expected: 'a gateway with a small heap sheds the slowest first, with the reason, and lives; clients that keep up stay',
  bound: { detectMs: 2_000, recoverMs: RECOVER_MS_MAX },
  timeLimitMs: 180_000,
  topology: { env: (id): Record<string, string> => (id === 'gw-1' ? { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` } : {}) },
  async run(run) {
    const gateway = run.installation.gateways[0]!
    const own = run.clientsOf(gateway)
    const atMs = run.nowMs
    await using crowd = new TakingNothing(gateway.url)
    const has = (code: string) => gateway.count(code, atMs) > 0
    while (!(has('sessions_shed') && has('memory_relieved')) && crowd.tried < RECEIVERS_MAX) await crowd.add(() => run.pass(20))
    const at = (code: string) => gateway.lines.find((line) => line.code === code && line.receivedAtMs >= atMs)?.receivedAtMs
    const [shortAtMs, shedAtMs, relievedAtMs] = [at('memory_short'), at('sessions_shed'), at('memory_relieved')]
    await run.pass(2_000)
    const named = crowd.closed.filter((reason) => /^(4100 overloaded|4101 slow_consumer): the heap takes/.test(reason))
    // A small heap is collected all the time: clients may see that their gateway is slow, and go; being cut is another matter.
    run.excuse('gw-1 is short of memory', atMs, run.nowMs - atMs + RECOVER_MS_MAX, own)
    const cut = own.filter(({ errors }) => errors.some(({ atMs: at, message }) => at >= atMs && /\((4100|4101)/.test(message)))
    return {
      detectMs: shortAtMs === undefined || shedAtMs === undefined ? undefined : shedAtMs - shortAtMs,
      ...(shortAtMs === undefined || relievedAtMs === undefined ? {} : { recoverMs: relievedAtMs - shortAtMs }),
      failures: [
        ...(gateway.process.child.exitCode === null ? [] : ['the gateway died']),
        ...(named.length > 0 ? [] : [`nobody was cut with the reason; closed: ${crowd.closed.slice(0, 3).join('; ') || 'none'}`]),
        ...(cut.length === 0 ? [] : [`${cut.length} of ${own.length} clients that keep up were cut`]),
      ],
      notes: [
        `${named.length} of ${crowd.tried} greedy receivers cut, ${crowd.refused} refused; ${run.movesSince(atMs, own)} of the ${own.length} clients beside them moved`,
      ],
    }
  },
})

/** Receivers that ask for much and take nothing. */
class TakingNothing implements AsyncDisposable {
  readonly closed: string[] = []
  tried = 0
  refused = 0
  readonly #url: string
  readonly #sockets: WebSocket[] = []

  constructor(url: string) {
    this.#url = url
  }

  async add(pause: () => Promise<void>): Promise<void> {
    this.tried++
    const socket = new WebSocket(`${this.#url}/v1/stream`, ['pulsewire.json.v1'])
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true)
      socket.onerror = () => resolve(false)
    })
    if (isOpen) {
      this.#sockets.push(socket)
      socket.onclose = ({ code, reason }) => this.closed.push(`${code} ${reason}`)
      socket.send(JSON.stringify({ t: 'hello', client: 'greedy' }))
      for (let i = 0; i < SYMBOLS.length; i += SYMBOLS_PER_FRAME) {
        socket.send(JSON.stringify({ t: 'subscribe', id: i + 1, feed: 'quote', symbols: SYMBOLS.slice(i, i + SYMBOLS_PER_FRAME) }))
      }
    } else this.refused++
    await pause()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close()
  }
}
