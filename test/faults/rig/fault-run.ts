/** One row being run: an installation on real Kafka, a steady producer, clients that write down what they see, and the verdict. */
import { parsePosition } from '@pulsewire/protocol'
import { ClientRecorder, type RecordedSubscription } from '../../support/checker/client-recorder.ts'
import type { ModelSymbol } from '../../support/checker/log-model.ts'
import { judgeRun, type Excuse, type Finding } from '../../support/checker/run-judge.ts'
import { liveWithinMs, noticedWithinMs } from '../../support/checker/view-times.ts'
import { steadyMs } from '../../support/steady.ts'
import { Installation, type Topology } from './installation.ts'
import type { FaultNode } from './node.ts'
import { readTruth, type TruthFeed } from './read-truth.ts'
import type { SharedKafka } from './shared-kafka.ts'
import { StallWatch } from './stall-watch.ts'
import { SteadyProducer } from './steady-producer.ts'

const PARTITIONS = { quote: 4, trade: 3 }
/** Of the topics that feeds may move to. */
const PARTITIONS_NEXT = { quote: 6, trade: 2 }
/**
 * How old the truth behind a live view may be: the clients' staleness bound, and by how much their idea of a pulse's age
 * may be wrong (travel taken for skew of the writer's clock, half a round trip on each hop); the same as in the simulation.
 */
export const TRUTH_AGE_MAX_MS = 2_500 + 600
const START_DEADLINE_MS = 30_000
/** At rest everything arrives within this. */
const REST_DEADLINE_MS = 15_000
/** Two pulses at rest, so that a flag that is about to rise has risen. */
const REST_MS = 2_000

let runs = 0

export class FaultRun implements AsyncDisposable {
  readonly shared: SharedKafka
  readonly installation: Installation
  readonly clients: ClientRecorder[] = []
  readonly producer: SteadyProducer
  readonly feeds: readonly TruthFeed[]
  readonly symbols: { readonly quote: readonly string[]; readonly trade: readonly string[] }
  readonly #topology: Topology
  readonly #excuses: Excuse[] = []
  readonly #owned: AsyncDisposable[] = []
  readonly #stalls = new StallWatch()
  #endMs = 0

  constructor(shared: SharedKafka, topology: Topology) {
    const run = `${Date.now().toString(36)}-${++runs}`
    this.shared = shared
    this.#topology = topology
    const copiedTo = (name: keyof typeof PARTITIONS_NEXT) =>
      topology.copies === true ? { copiedTo: { topic: `${name}s-v2-${run}`, partitions: PARTITIONS_NEXT[name] } } : {}
    this.feeds = [
      { name: 'quote', topic: `quotes-${run}`, mode: 'latest', partitions: PARTITIONS.quote, ...copiedTo('quote') },
      { name: 'trade', topic: `trades-${run}`, mode: 'every', partitions: PARTITIONS.trade, ...copiedTo('trade') },
    ]
    const names = (market: string) => Array.from({ length: topology.symbols ?? 24 }, (_, i) => `S${i + 1}.${market}`)
    this.symbols = { quote: names('US'), trade: names('HK') }
    const proxied = topology.proxies?.log === true
    this.installation = new Installation(
      topology,
      this.feeds.map(({ name, topic, mode }) => ({ name, topic, mode })),
      (id) => shared.brokersOf(id, proxied),
      `control-${run}`,
    )
    const recordsPerSecond = topology.recordsPerSecond ?? 120
    this.producer = new SteadyProducer(
      shared.log,
      this.feeds.map(({ name, topic, copiedTo }) => ({
        topic,
        copiedTo: copiedTo?.topic,
        symbols: this.symbols[name as 'quote' | 'trade'],
        recordsPerSecond,
      })),
    )
  }

  /** Resolves when every client is live. */
  async start(): Promise<void> {
    for (const { topic, partitions } of this.#topics()) {
      await this.shared.log.createTopic(topic, {
        partitions,
        ...(this.#topology.topic === undefined ? {} : { config: this.#topology.topic }),
      })
    }
    this.producer.start()
    await this.installation.start()
    await this.untilAllHandedOut(START_DEADLINE_MS)
    for (let i = 0; i < (this.#topology.clients ?? 24); i++) this.clients.push(this.#client(i))
    await this.until(() => this.clients.every(({ live }) => live), 'all clients live at the start', START_DEADLINE_MS)
  }

  // ---- for the bodies of cases

  get nowMs(): number {
    return steadyMs()
  }

  /** What the case made and needs until the verdict; taken away with the run. */
  own<T extends AsyncDisposable>(thing: T): T {
    this.#owned.push(thing)
    return thing
  }

  /** Lets the fault last. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** @throws Error at the deadline, with what was not live. */
  async until(condition: () => boolean, what: string, deadlineMs: number): Promise<void> {
    const untilMs = steadyMs() + deadlineMs
    while (!condition()) {
      if (steadyMs() > untilMs) throw new Error(`${what}: not within ${deadlineMs} ms; ${this.#describe()}`)
      await this.pass(20)
    }
  }

  /** Waits until every client is live; in vain at most so long: the bounds are judged afterwards. */
  async untilLive(deadlineMs = 30_000): Promise<void> {
    await this.until(() => this.clients.every(({ live }) => live), 'all clients live again', deadlineMs)
  }

  /** Waits until every balancer hands out every gateway to clients of its track. @returns how long that took. */
  async untilAllHandedOut(deadlineMs: number): Promise<number> {
    const sinceMs = steadyMs()
    const { gateways, grey } = this.installation
    for (const [track, nodes] of [
      ['stable', gateways],
      ['grey', grey.gateways],
    ] as const) {
      const all = nodes.map(({ id }) => id).join()
      const what = `all gateways of the ${track} track are handed out`
      if (nodes.length > 0) await this.untilHandedOut((names) => names.join() === all, what, deadlineMs, track)
    }
    return steadyMs() - sinceMs
  }

  /** Waits until every balancer hands out what it should. @returns how long that took. */
  async untilHandedOut(
    isRight: (names: readonly string[], balancer: string) => boolean,
    what: string,
    deadlineMs: number,
    track: 'stable' | 'grey' = 'stable',
  ): Promise<number> {
    const sinceMs = steadyMs()
    const { balancers } = this.installation
    for (;;) {
      const answers = await this.installation.handedOut(track)
      if (answers.every((names, i) => isRight(names, balancers[i]!.id))) return steadyMs() - sinceMs
      if (steadyMs() - sinceMs > deadlineMs) throw new Error(`${what}: not within ${deadlineMs} ms; handed out: ${answers.join(' | ')}`)
      await this.pass(20)
    }
  }

  /** Clients that this gateway serves now. */
  clientsOf(gateway: FaultNode): ClientRecorder[] {
    return this.clients.filter(({ node }) => node === gateway.id)
  }

  /** From then, for so long, these clients (default: all) may say that they are not live. */
  excuse(why: string, fromMs: number, forMs: number, clients?: readonly ClientRecorder[]): void {
    const untilMs = fromMs + forMs
    this.#excuses.push({ why, fromMs, untilMs, ...(clients === undefined ? {} : { clients: new Set(clients.map(({ id }) => id)) }) })
  }

  noticedWithinMs(sinceMs: number, clients: readonly ClientRecorder[] = this.clients): number | undefined {
    return noticedWithinMs(clients, sinceMs, this.#endMs || steadyMs())
  }

  liveWithinMs(sinceMs: number, clients: readonly ClientRecorder[] = this.clients): number {
    return Math.max(0, liveWithinMs(clients, sinceMs, this.#endMs || steadyMs()))
  }

  /** Sessions that began to serve these clients since then: moves and reconnects. */
  movesSince(sinceMs: number, clients: readonly ClientRecorder[] = this.clients): number {
    return clients.reduce((sum, { sessions }) => sum + sessions.filter(({ atMs }) => atMs >= sinceMs).length, 0)
  }

  // ---- the verdict

  /** All that clients wrote down. */
  get recorded(): number {
    return this.clients.reduce((sum, { views }) => sum + views.reduce((n, { events }) => n + events.length, 0), 0)
  }

  /** How long the recording process itself did not get its turn, at worst. */
  get longestStallMs(): number {
    return this.#stalls.longestMs
  }

  /** Stops producing, lets everything arrive, and judges. Clients are not touched any more afterwards. */
  async finish(): Promise<Finding[]> {
    await this.producer.finish()
    const last = await readTruth(this.shared.log, this.feeds, this.producer)
    const isThere = () =>
      this.clients.every(
        ({ live, views }) =>
          live &&
          views.every(({ feed, subscription }) =>
            [...subscription.symbols].every((view) => {
              const newest = last.symbol(feed, view.symbol)?.records.at(-1)
              return newest === undefined || isAt(last.symbol(feed, view.symbol)!, view.position)
            }),
          ),
      )
    // What does not arrive is the checker's to tell.
    await this.until(isThere, 'rest', REST_DEADLINE_MS).catch(() => {})
    await this.pass(REST_MS)
    this.#endMs = steadyMs()
    return judgeRun({
      model: last,
      clients: this.clients,
      endMs: this.#endMs,
      truthAgeMaxMs: TRUTH_AGE_MAX_MS,
      excuses: this.#excuses,
      stalls: this.#stalls.stalls,
    })
  }

  /** Everything that the nodes said, for a failure's report. */
  describeNodes(): string {
    return this.installation.nodes
      .map((node) => `${node.id}:\n${node.lines.map((line) => `  ${line['time']} ${line.level} ${line.code}: ${line.msg}`).join('\n')}`)
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.producer.stop()
    this.#stalls[Symbol.dispose]()
    await Promise.all(this.clients.map((client) => client[Symbol.asyncDispose]()))
    await Promise.all(this.#owned.map((thing) => thing[Symbol.asyncDispose]()))
    await this.installation[Symbol.asyncDispose]()
    this.shared.clear()
    for (const { topic } of this.#topics()) await this.shared.log.deleteTopic(topic).catch(() => {})
  }

  #topics(): readonly { readonly topic: string; readonly partitions: number }[] {
    return this.feeds.flatMap((feed) => [feed, ...(feed.copiedTo === undefined ? [] : [feed.copiedTo])])
  }

  /** Half of the clients prefer each gateway; both encodings, named symbols and patterns, both kinds of delivery. */
  #client(index: number): ClientRecorder {
    const { quotes, trades } = this.#topology.perClient ?? { quotes: 6, trades: 4 }
    const urls = this.installation.gateways.map((gateway) => this.installation.urlOf(gateway))
    if (index % 2 === 1) urls.reverse()
    const some = (symbols: readonly string[], count: number) =>
      Array.from({ length: Math.min(count, symbols.length) }, (_, i) => symbols[(index * 5 + i) % symbols.length]!)
    const byPattern = index % 6 === 5
    const quoteView: RecordedSubscription = {
      feed: 'quote',
      delivery: 'latest',
      ...(byPattern ? { patterns: [`S${(index % 2) + 1}*.US`] } : { symbols: some(this.symbols.quote, quotes) }),
    }
    const tradeView: RecordedSubscription = { feed: 'trade', delivery: 'every', symbols: some(this.symbols.trade, trades) }
    const balancer = this.installation.balancers.map(({ port }) => `http://127.0.0.1:${port}`)
    const isGrey = this.#topology.grey === true && index % 3 === 2
    // The only gateway of the grey track stands in z2.
    const zone = this.#topology.zones === true ? { zone: isGrey ? 'z2' : `z${(index % 2) + 1}` } : {}
    const where = balancer.length > 0 ? { balancer, ...zone, ...(isGrey ? { track: 'grey' } : {}) } : { url: urls }
    const { gatewaysRenewMs } = this.#topology
    const renewal = gatewaysRenewMs === undefined ? {} : { gatewaysRenewMs }
    return new ClientRecorder(`client-${index + 1}`, { ...where, ...renewal, encoding: index % 4 < 3 ? 'bin' : 'json' }, [
      quoteView,
      tradeView,
    ])
  }

  #describe(): string {
    const bad = this.clients.filter(({ live }) => !live)
    return `${bad.length} of ${this.clients.length} clients are not; ${bad
      .slice(0, 2)
      .map((client) => client.describe())
      .join('; ')}`
  }
}

/** Whether the position is that of the symbol's newest record. */
function isAt(symbol: ModelSymbol, position: string | undefined): boolean {
  const parsed = position === undefined ? undefined : parsePosition(position)
  return parsed !== undefined && symbol.indexAt(parsed) === symbol.records.length - 1
}
