/** A feed that moves, in virtual time: push nodes of two lines that hear of it, read and switch at different moments. */
import {
  type CatalogueFeed,
  Clusters,
  createEmbeddedLog,
  createGateway,
  createPulseWriter,
  createPushNode,
  type EmbeddedLog,
  type FeedConfig,
  type FeedGeneration,
  type GatewayConfig,
  type Logger,
  type PulseConfig,
  type PushConfig,
  type PushNode,
} from '@pulsewire/server'
import { loadConfig } from '../../../packages/server/src/runtime/config/index.ts'
import { feedSection } from '../../../packages/server/src/runtime/config/sections/feeds.ts'
import { FakeDirectory } from '../../support/fake-directory.ts'
import { connectLinks, listenOn } from '../world/adapters.ts'
import { Kernel } from '../world/kernel.ts'
import { Network } from '../world/network.ts'
import { inOwnTurn } from '../world/microtasks.ts'
import { NodeLog } from '../world/node-log.ts'
import { EPOCH_MS, SimProcess } from '../world/process.ts'
import { Random } from '../world/random.ts'
import { Trace } from '../world/trace.ts'
import { MoveProducer, type Way, WAYS } from './move-producer.ts'
import { MoveView, tracedTap } from './move-view.ts'

export type Trouble = 'none' | 'frozen' | 'restarted'
const TROUBLES: readonly Trouble[] = ['none', 'none', 'frozen', 'restarted']

export interface MoveResult {
  readonly failure: string | null
  readonly plan: string
  readonly trace: readonly string[]
}

const FEED = 'trade'
const TOPICS = ['old', 'new'] as const
const ENV = { PULSEWIRE_FEEDS: '[{name: stub, topic: stub}]', PULSEWIRE_LOG_BROKERS: 'kafka:9092' }
const UPSTREAMS = '[{line: A, addresses: ["ws://stub:1"]}]'
const PULSE_BASE = loadConfig('pulse', { env: ENV })
const PUSH_BASE = loadConfig('push', { env: ENV })
const GATEWAY_BASE = loadConfig('gateway', { env: { PULSEWIRE_GATEWAY_UPSTREAMS: UPSTREAMS } })

interface Push {
  readonly id: string
  readonly line: 'A' | 'B'
  readonly partitions: 'all' | readonly number[]
  /** Stays where it is, whatever the catalogue says. */
  readonly isPinned: boolean
  node: PushNode | null
  process: SimProcess
}

/** One move, from its seed to its end or to the first promise that is broken. */
export function playMove(seed: number, trace = false): Promise<MoveResult> {
  return inOwnTurn(() => new MoveWorld(seed, trace).run())
}

class MoveWorld {
  readonly #kernel = new Kernel()
  readonly #random: Random
  readonly #trace: Trace
  readonly #network: Network
  /** The cluster of the feed, and the one that it moves to, which may be the same. */
  readonly #home: EmbeddedLog
  readonly #abroad: EmbeddedLog
  readonly #config: FeedConfig
  readonly #partitions: readonly [number, number]
  readonly #way: Way
  readonly #trouble: Trouble
  readonly #push: Push[]
  readonly #directories = new Map<SimProcess, FakeDirectory>()
  readonly #symbols: readonly string[]
  #catalogue: CatalogueFeed = { feed: FEED, current: { generation: 1, topic: TOPICS[0] }, next: null, retired: [], revision: 0 }
  #failure: string | null = null
  #lives = 0
  /** The moment lies so far ahead: less than it takes to hear of it, or plenty. */
  readonly #aheadMs: number

  constructor(seed: number, trace = false) {
    const random = (this.#random = new Random(seed))
    this.#trace = new Trace(trace, () => this.#kernel.nowMs)
    this.#network = new Network(this.#kernel, random.fork())
    const { clock } = new SimProcess(this.#kernel, 'log', 'log', { offsetMs: 0, drift: 0 })
    this.#home = createEmbeddedLog({ clock, name: 'home' })
    this.#abroad = random.chance(0.3) ? createEmbeddedLog({ clock, name: 'abroad' }) : this.#home
    this.#aheadMs = random.logBetween(100, 6000)
    this.#partitions = [random.int(1, 3), random.int(1, 4)]
    this.#home.createTopicNow(TOPICS[0], { partitions: this.#partitions[0] })
    this.#abroad.createTopicNow(TOPICS[1], { partitions: this.#partitions[1] })
    this.#way = random.pick(WAYS)
    this.#trouble = random.pick(TROUBLES)
    this.#symbols = Array.from({ length: random.int(1, 8) }, (_, i) => `S${i}`)
    const mode = random.chance(0.65) ? 'every' : 'latest'
    this.#config = feedSection.parse({ name: FEED, topic: TOPICS[0], mode, warmup: { spanMs: 12 * 3_600_000 } }) as FeedConfig
    this.#push = (['A', 'B'] as const).flatMap((line) => this.#line(line))
  }

  /** A line is one node, or two that share the partitions. */
  #line(line: 'A' | 'B'): Push[] {
    const node = (number: number, partitions: Push['partitions'], isPinned = false): Push => {
      const id = `push-${line.toLowerCase()}${number}`
      return { id, line, partitions, isPinned, node: null, process: this.#process(id) }
    }
    const old = line === 'B' && this.#random.chance(0.25) ? [node(9, 'all', true)] : []
    if (this.#random.chance(0.6)) return [node(1, 'all'), ...old]
    const all = [0, 1, 2, 3]
    const first = all.filter(() => this.#random.chance(0.5))
    const second = all.filter((partition) => !first.includes(partition))
    return [node(1, first), node(2, second), ...old]
  }

  run(): MoveResult {
    const kernel = this.#kernel
    const random = this.#random
    const moveAtMs = 6000
    const writers = [1, 2].map((number) => this.#startWriter(`pulse-${number}`))
    for (const push of this.#push) kernel.after(random.between(0, 300), () => this.#startPush(push))
    const producer = new MoveProducer({
      kernel,
      random: random.fork(),
      older: { log: this.#home, topic: TOPICS[0] },
      newer: { log: this.#abroad, topic: TOPICS[1] },
      way: this.#way,
      symbols: this.#symbols,
      ratePerS: random.logBetween(2, 60),
      // Whoever leaves the older topic has left it by the time that the moment is set.
      leavesMs: [moveAtMs - 2000, moveAtMs + 1500],
    })
    const gateways = [1, 2].map((number) => this.#startGateway(`gw-${number}`))
    const views: MoveView[] = []
    kernel.after(1500, () => {
      for (let i = 1; i <= 3; i++) views.push(this.#startView(`app-${i}`, gateways))
    })
    kernel.runUntil(moveAtMs)
    if (this.#failure === null && !views.every(({ isLive }) => isLive)) this.#report('live', 'views are not live before the move')
    this.#move()
    kernel.runUntil(kernel.nowMs + 14_000)
    producer.stop()
    kernel.runUntil(kernel.nowMs + 5_000)
    for (const view of views) {
      const missing = view.missing(producer.last)
      if (missing !== undefined) this.#report('end', missing)
    }
    this.#checkNodes()
    const result = { failure: this.#failure, plan: this.#plan(), trace: this.#trace.lines }
    for (const push of this.#push) void push.node?.close()
    for (const { writer } of writers) void writer.close()
    for (const { gateway } of gateways) void gateway.close()
    for (const view of views) void view.close()
    return result
  }

  get #following(): readonly Push[] {
    return this.#push.filter(({ isPinned }) => !isPinned)
  }

  #plan(): string {
    const lines = this.#push.map(({ id, partitions, isPinned }) => `${id} ${isPinned ? 'pinned' : String(partitions)}`).join(', ')
    return `${this.#config.mode}, ${this.#way}, ${this.#partitions.join(' → ')} partitions, ${lines}${this.#abroad === this.#home ? '' : ', another cluster'}, ${this.#trouble}`
  }

  readonly #report = (rule: string, message: string): void => {
    this.#trace.say('CHECK', () => `${rule}: ${message}`)
    this.#failure ??= `${rule} at ${this.#kernel.nowMs.toFixed(1)} ms: ${message} (${this.#plan()})`
    this.#kernel.stop()
  }

  // ---- the move

  #move(): void {
    const random = this.#random
    const kernel = this.#kernel
    const next: FeedGeneration = {
      generation: 2,
      topic: TOPICS[1],
      ...(this.#abroad === this.#home ? {} : { brokers: ['abroad:9092'] }),
    }
    this.#say({ next })
    const announceMs = random.between(1500, 3000)
    kernel.after(announceMs, () => {
      const fromMs = EPOCH_MS + Math.ceil(kernel.nowMs + this.#aheadMs)
      this.#say({ next: { ...next, fromMs } })
      this.#strike(kernel.nowMs + this.#aheadMs)
      this.#closeWhenSwitched({ ...next, fromMs })
    })
  }

  #strike(switchAtMs: number): void {
    const push = this.#random.pick(this.#following)
    const atMs = switchAtMs - this.#random.between(-1500, 6500)
    const forMs = this.#random.logBetween(100, 6000)
    const at = (ms: number, run: () => void) => void this.#kernel.at(ms, 'io', null, run)
    if (this.#trouble === 'frozen') {
      at(atMs, () => push.process.freeze())
      at(atMs + forMs, () => push.process.thaw())
    } else if (this.#trouble === 'restarted') {
      at(atMs, () => {
        this.#network.killed(push.process)
        push.process.kill()
        this.#directories.delete(push.process)
      })
      at(atMs + forMs, () => {
        push.process = this.#process(push.id)
        this.#network.returned(push.id)
        this.#startPush(push)
      })
    }
  }

  /** As the command does, which sees leases. */
  #closeWhenSwitched(current: FeedGeneration): void {
    this.#kernel.after(250, () => {
      const isSwitched = this.#following.every(
        ({ node, process }) =>
          process.state === 'running' && node !== null && node.leaseContent().feeds.every(({ generation }) => generation === 2),
      )
      if (isSwitched) this.#say({ current, next: null, retired: [this.#catalogue.current] })
      else this.#closeWhenSwitched(current)
    })
  }

  #say(change: Partial<CatalogueFeed>): void {
    this.#catalogue = { ...this.#catalogue, ...change, revision: this.#catalogue.revision + 1 }
    this.#trace.say('CATALOGUE', () => JSON.stringify(change))
    for (const [process, directory] of this.#directories) this.#tell(process, directory)
  }

  #tell(process: SimProcess, directory: FakeDirectory): void {
    const catalogue = this.#catalogue
    process.io(this.#kernel.nowMs + this.#random.logBetween(1, 800), () => {
      if ((directory.feeds.get(FEED)?.revision ?? -1) >= catalogue.revision) return
      directory.feeds.set(FEED, catalogue)
      directory.isReadBack = true
      directory.changed()
    })
  }

  #checkNodes(): void {
    for (const { id, node } of this.#following) {
      const feeds = node
        ?.leaseContent()
        .feeds.map(({ generation }) => generation)
        .join()
      if (feeds !== '2') this.#report('switch', `${id} reads generation ${feeds}`)
    }
  }

  // ---- who takes part

  #process(id: string): SimProcess {
    const random = this.#random
    const offsetMs = random.chance(0.3) ? random.between(-20, 20) : random.between(-1, 1) * 2000
    return new SimProcess(this.#kernel, `${id}#${++this.#lives}`, id, { offsetMs, drift: random.between(-1, 1) * 1e-4 })
  }

  #directory(process: SimProcess): FakeDirectory {
    const directory = new FakeDirectory()
    directory.isReadBack = false
    this.#directories.set(process, directory)
    this.#tell(process, directory)
    return directory
  }

  #log(log: EmbeddedLog, process: SimProcess): NodeLog {
    const random = this.#random
    const travel = { latencyMs: random.logBetween(0.3, 60), jitterMs: random.logBetween(0.1, 60) }
    return new NodeLog(log, process, random.fork(), travel, () => {})
  }

  #deps(id: string, process: SimProcess) {
    const log = this.#log(this.#home, process)
    const clusters = new Clusters(log, () => this.#log(this.#abroad, process))
    return { log, clusters, directory: this.#directory(process), logger: this.#logger(id), clock: process.clock }
  }

  #startWriter(id: string) {
    const process = this.#process(id)
    const config = {
      ...PULSE_BASE,
      node: { ...PULSE_BASE.node, id },
      feeds: [this.#config],
      pulse: { writerId: id },
    } as unknown as PulseConfig
    const writer = createPulseWriter(config, this.#deps(id, process))
    void writer.start()
    return { writer }
  }

  #startPush(push: Push): void {
    const { id, line, partitions, process } = push
    this.#trace.say(id, () => 'starts')
    const config = {
      ...PUSH_BASE,
      node: { ...PUSH_BASE.node, id, line },
      feeds: [{ ...this.#config, pinned: push.isPinned }],
      push: { ...PUSH_BASE.push, partitions },
    } as unknown as PushConfig
    push.node = createPushNode(config, {
      ...this.#deps(id, process),
      random: this.#random.fork().next,
      listen: listenOn(this.#network, process, `ws://${id}:8080`),
    })
    void push.node.start()
  }

  #startGateway(id: string) {
    const process = this.#process(id)
    const address = `ws://${id}:8080`
    const upstreams = this.#push.map((push) => ({ line: push.line, addresses: [`ws://${push.id}:8080`] }))
    const config = {
      ...GATEWAY_BASE,
      node: { ...GATEWAY_BASE.node, id },
      gateway: { ...GATEWAY_BASE.gateway, upstreams },
    } as unknown as GatewayConfig
    const gateway = createGateway(config, {
      logger: this.#logger(id),
      clock: process.clock,
      random: this.#random.fork().next,
      listen: listenOn(this.#network, process, address),
      connect: connectLinks(this.#network, process, () => tracedTap(this.#trace, id)),
    })
    void gateway.start()
    return { gateway, address }
  }

  #startView(id: string, gateways: readonly { readonly address: string }[]): MoveView {
    return new MoveView({
      id,
      process: this.#process(id),
      network: this.#network,
      random: this.#random.fork(),
      trace: this.#trace,
      urls: this.#random.sample(gateways, 2).map(({ address }) => address),
      feed: FEED,
      isEvery: this.#config.mode === 'every',
      symbols: this.#symbols,
      report: this.#report,
    })
  }

  #logger(id: string): Logger {
    const say = (code: string, message: string) => this.#trace.say(id, () => `${code}: ${message}`)
    const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger }
    return logger
  }
}
