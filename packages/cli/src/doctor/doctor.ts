import { ConfigError, DirectoryError, feedReaders, leasedGeneration, LogError, PulsewireError } from '@pulsewire/server'
import { type DirectoryFlags, onlookerConfig, type OpenDirectory, openDirectoryOf, whenCurrent } from '../nodes/open.ts'
import { fetchVerdicts } from '../verdicts/fetch.ts'
import { type BalancerFacts, judgeBalancer } from './balancers.ts'
import { type Check, note, ok, problem } from './check.ts'
import { checkConfiguration, type Configured } from './configuration.ts'
import { judgeComplaint, readComplaint } from './control-topic.ts'
import { judgeGateway, probeGateways, type Probing } from './gateways.ts'
import { judgeFeed, judgeNodes, PULSE_AGE_MS_MAX } from './nodes.ts'
import { judgeTopic, readTopic } from './topic.ts'
import { examineZones } from './zones.ts'

export interface DoctorFlags extends DirectoryFlags {
  /** Beside those that have leases. */
  readonly gateway: readonly string[]
  readonly balancer: readonly string[]
}

/** What is known of a feed before its topic is looked at. */
interface KnownFeed {
  readonly name: string
  readonly topic: string
  readonly generation: number | null
  readonly warmupMs: number
}

/** Looks at everything that there is to look at. Never throws for what is wrong: that is what it reports. */
export async function examine(flags: DoctorFlags): Promise<Check[]> {
  const file = flags.config ?? process.env['PULSEWIRE_CONFIG']
  const configured: Configured =
    file === undefined ? { checks: [], feeds: [], directory: true, log: null } : checkConfiguration(file, process.env, flags.set)
  const checks = [...configured.checks]
  const onlooker = configOf(flags)
  // As a balancer's probe comes in, where gateways demand tokens.
  const access: Probing = onlooker?.balancer ?? {}
  /** @param home names of the nodes of the own log. */
  const zones = async (home: Iterable<string>): Promise<Check[]> =>
    onlooker === null ? [] : examineZones(onlooker.balancer.otherZones, onlooker.directory.lifeMs, home)
  const opened = await openDirectory(flags)
  if (Array.isArray(opened)) {
    // A mistake in the file was told already, in the words of the role that it is for.
    const isTold = opened.some(({ area }) => area === 'configuration') && checks.some(({ verdict }) => verdict === 'problem')
    const reached = await examineReached(flags, null, new Map(), new Set(), access)
    return [...checks, ...(isTold ? [] : opened), ...(await zones([])), ...reached]
  }
  await using open = opened
  await whenCurrent(open)
  const found = await examineOpened(open, flags, configured, access)
  return [...checks, ...found, ...(await zones(open.directory.nodes.keys()))]
}

/** What can be found where the log and the directory are open. */
export async function examineOpened(
  open: Pick<OpenDirectory, 'directory' | 'log' | 'clusters'>,
  flags: Pick<DoctorFlags, 'gateway' | 'balancer'>,
  configured: Configured,
  access: Probing,
): Promise<Check[]> {
  const checks = [ok('kafka', `the log answers, and the control topic ${open.directory.topic} can be read`)]
  if (configured.directory) checks.push(...judgeComplaint('kafka', await readComplaint(open.log, open.directory.topic)))
  checks.push(...(configured.directory ? judgeNodes(open.directory) : [withoutLeases()]))
  const feeds = feedsOf(open, configured)
  const generations = new Map<string, number>()
  for (const feed of feeds) {
    const { checks: found, partitions } = await examineTopic(open, feed)
    checks.push(...found)
    if (feed.generation !== null) generations.set(feed.name, feed.generation)
    const names = [feed.name, ...delayedOf(open, feed.name)]
    if (configured.directory) checks.push(...names.flatMap((name) => judgeFeed(open.directory, name, partitions)))
  }
  if (feeds.length === 0) {
    const todo = 'name a configuration file with feeds (--config), or start push nodes with leases'
    checks.push(
      problem('feeds', 'no feed is known: none is configured here, in the catalogue, or read by a node', 'nothing is served', todo),
    )
  }
  return [...checks, ...(await examineReached(flags, advertised(open), generations, offlineGateways(open), access))]
}

/** @returns the directory, or why it cannot be had. */
async function openDirectory(flags: DirectoryFlags): Promise<OpenDirectory | Check[]> {
  try {
    return await openDirectoryOf(flags)
  } catch (error) {
    if (error instanceof ConfigError) {
      const mistakes = error.problems.length === 0 ? [error.message] : error.problems
      return mistakes.map((mistake) => problem('configuration', mistake, 'Kafka and leases were not looked at', 'correct it'))
    }
    if (!(error instanceof LogError || error instanceof DirectoryError)) throw error
    const what = `${error.code}: ${error.message}`
    const why = 'without the log nothing new reaches anybody, and nodes cannot be found by leases'
    return [problem('kafka', what, why, 'are the brokers (log.brokers), login and network right? Does Kafka run?')]
  }
}

function withoutLeases(): Check {
  const why = 'balancers cannot hand out gateways, and nothing is known here of who runs'
  return note('nodes', 'directory.enabled is false: nodes of this configuration have no leases', why, 'set it to true on every node')
}

/** Feeds that show this one with a delay: its topic is theirs. */
function delayedOf({ directory }: Pick<OpenDirectory, 'directory'>, name: string): Set<string> {
  const leased = [...directory.nodes.values()].flatMap(({ lease }) => lease.feeds)
  return new Set(leased.filter(({ delayOf }) => delayOf === name).map(({ feed }) => feed))
}

/** What the catalogue says counts most, then what nodes read, then what is configured here. */
function feedsOf({ directory }: Pick<OpenDirectory, 'directory'>, { feeds }: Configured): KnownFeed[] {
  const known = new Map<string, KnownFeed>(feeds.map(({ name, topic, warmupMs }) => [name, { name, topic, generation: null, warmupMs }]))
  const put = (name: string, topic: string, generation: number): void => {
    known.set(name, { name, topic, generation, warmupMs: known.get(name)?.warmupMs ?? 0 })
  }
  for (const { lease } of directory.nodes.values()) {
    for (const { feed, topic, generation, delayOf } of lease.feeds) {
      if (topic !== undefined && delayOf === undefined && generation >= (known.get(feed)?.generation ?? -1)) put(feed, topic, generation)
    }
  }
  for (const name of [...known.keys()]) {
    const readers = feedReaders(directory, name).filter(({ leased }) => leased.topic !== undefined && leased.delayOf === undefined)
    const generation = leasedGeneration(readers, PULSE_AGE_MS_MAX)
    const reader = readers.find(({ leased }) => leased.generation === generation)
    if (reader !== undefined) put(name, reader.leased.topic!, generation)
  }
  for (const { feed, current } of directory.feeds.values()) put(feed, current.topic, current.generation)
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function examineTopic(
  open: Pick<OpenDirectory, 'directory' | 'clusters'>,
  feed: KnownFeed,
): Promise<{ readonly checks: Check[]; readonly partitions: number }> {
  const { name, topic, generation, warmupMs } = feed
  try {
    const log = open.clusters.of(open.directory.feeds.get(name)?.current ?? {})
    const partitions = await readTopic(log, topic)
    return { checks: judgeTopic({ feed: name, topic, generation, partitions, warmupMs }, Date.now()), partitions: partitions.length }
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    const why = 'nodes that are to read it say the same and wait; no client gets anything of the feed'
    const todo = 'create the topic, correct feeds[].topic, or see `pulsewire feed show`'
    return { checks: [problem('kafka', `feed ${name}: ${error.code}: ${error.message}`, why, todo)], partitions: 0 }
  }
}

interface Advertised {
  readonly node: string
  readonly role: string
  readonly address: string
}

function offlineGateways({ directory }: Pick<OpenDirectory, 'directory'>): ReadonlySet<string> {
  const offline = [...directory.nodes.values()].filter(({ word, lease }) => word === 'offline' && lease.role === 'gateway')
  return new Set(offline.map(({ lease }) => lease.node))
}

function advertised({ directory }: Pick<OpenDirectory, 'directory'>): Advertised[] {
  return [...directory.nodes.values()]
    .filter(({ state, word }) => (state === 'live' || state === 'kept') && word !== 'offline')
    .flatMap(({ lease: { node, role, addresses } }) => addresses.slice(0, 1).map((address) => ({ node, role, address })))
}

/** Where leases cannot be read, as while the log is away, a balancer that is named knows the gateways. */
function knownToBalancers(answers: readonly BalancerFacts[]): Advertised[] {
  const rows = answers.flatMap(({ answer }) => ('failure' in answer ? [] : answer.verdicts))
  const gateways = rows.filter(({ role, word, lease }) => role === 'gateway' && word !== 'offline' && lease.state !== 'left')
  const each = new Map(gateways.map(({ node, role, addresses: [address] }) => [node, { node, role, address }]))
  return [...each.values()].flatMap(({ address, ...one }) => (address === undefined ? [] : [{ ...one, address }]))
}

/**
 * What clients meet: gateways and balancers, over the network.
 * @param leased `null`: leases could not be read.
 */
async function examineReached(
  flags: Pick<DoctorFlags, 'gateway' | 'balancer'>,
  leased: readonly Advertised[] | null,
  generations: ReadonlyMap<string, number>,
  offline: ReadonlySet<string>,
  access: Probing,
): Promise<Check[]> {
  const of = (
    role: string,
    named: readonly string[],
    known: readonly Advertised[],
  ): { readonly node: string; readonly address: string }[] => [
    ...known.filter((one) => one.role === role),
    ...named.filter((address) => !known.some((one) => one.address === address)).map((address) => ({ node: address, address })),
  ]
  const asked = of('balancer', flags.balancer, leased ?? []).map(askBalancer)
  const gateways = of('gateway', flags.gateway, leased ?? knownToBalancers(await Promise.all(asked)))
  const facts = gateways.length === 0 ? [] : await probeGateways(gateways, access)
  const answers = await Promise.all(asked)
  const judged = facts.map((one) => ({ node: one.node, check: judgeGateway(one, generations) }))
  const named = (isWell: boolean): ReadonlySet<string> =>
    new Set(judged.filter(({ check }) => (check.verdict === 'ok') === isWell).map(({ node }) => node))
  const checks = judged.map(({ check }) => check)
  if (gateways.length === 0 && leased === null) {
    checks.push(
      note(
        'gateways',
        'no gateway was looked at',
        'without leases none is known here',
        'name one, --gateway ws://gw-1:8080, or a balancer that knows them, --balancer http://lb-1:8070',
      ),
    )
  } else if (gateways.length === 0) {
    checks.push(
      problem(
        'gateways',
        'no gateway is known',
        'clients have nowhere to connect to',
        'start gateways with leases, or name one: --gateway ws://gw-1:8080',
      ),
    )
  }
  return [...checks, ...answers.flatMap((answer) => judgeBalancer(answer, { proven: named(true), failed: named(false), offline }))]
}

async function askBalancer({ address }: { readonly address: string }): Promise<BalancerFacts> {
  try {
    return { address, answer: await fetchVerdicts(address) }
  } catch (error) {
    if (!(error instanceof PulsewireError)) throw error
    return { address, answer: { failure: error.message } }
  }
}

/** A configuration with mistakes is another check's affair. */
function configOf(flags: DirectoryFlags): ReturnType<typeof onlookerConfig> | null {
  try {
    return onlookerConfig(flags)
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
