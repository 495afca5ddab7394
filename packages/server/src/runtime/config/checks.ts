/** What no single setting can say about itself: rules across settings. Each returns what is wrong, at the setting to change. */
import { accessSync, constants } from 'node:fs'
import { isIP } from 'node:net'
import { checkAccess } from './access-checks.ts'
import type { Path } from './json-schema.ts'
import type { Problem } from './problems.ts'
import type { Configs, FeedConfig, ParsedAccess, ParsedOtherZones, PushConfig, SessionConfig } from './schema.ts'

type Parsed = Omit<Configs['all'], 'log' | 'pulse' | 'operator' | 'inner' | 'gateway' | 'balancer'>
/** The sections that a role has; all are checked by the same rules. */
export type CheckedConfig = Partial<Parsed> & {
  readonly log?: Omit<Configs['all']['log'], 'sasl'> & { readonly sasl?: { readonly passwordFile?: string; readonly password?: unknown } }
  readonly pulse?: { readonly intervalMs?: number }
  readonly gateway?: Omit<Configs['all']['gateway'], 'access'> & { readonly access: ParsedAccess }
  readonly balancer?: Omit<Configs['all']['balancer'], 'probeSecret' | 'admin' | 'otherZones'> & {
    readonly otherZones: ParsedOtherZones
    readonly admin: { readonly secret?: unknown; readonly secretFile?: string; readonly listen: { readonly port: number } }
    readonly probeSecret?: unknown
    readonly probeSecretFile?: string
  }
  readonly operator?: { readonly secret?: unknown; readonly secretFile?: string }
  readonly inner?: { readonly secret?: unknown; readonly secretFile?: string; readonly certFile?: string; readonly keyFile?: string }
}

export function crossChecks(config: CheckedConfig): Problem[] {
  return [
    ...checkLog(config),
    ...checkDirectory(config),
    ...checkFeeds(config),
    ...checkSessions(config),
    ...checkUpstreams(config),
    ...checkBalancer(config),
    ...checkOtherZones(config),
    ...checkListening(config),
    ...checkFaults(config),
    ...checkSecrets(config),
    ...checkTls(config),
    ...checkProxies(config),
    ...checkAccess(config),
    ...checkConsole(config),
  ]
}

/** Nodes answer nobody without the secret. */
function checkConsole({ console, operator }: CheckedConfig): Problem[] {
  if (console?.asks.enabled !== true || (operator?.secret ?? operator?.secretFile) !== undefined) return []
  return [{ path: ['console', 'asks', 'enabled'], text: 'found true, expected an operator secret beside it (operator.secretFile)' }]
}

function checkLog({ log, gateway, feeds, directory }: CheckedConfig): Problem[] {
  // A gateway needs the log for the directory and the topic of its sessions alone; every other role has feeds to read or to pulse.
  const needsLog = directory?.enabled === true || gateway?.sessionHistory.topic !== undefined
  const isUnused = gateway !== undefined && feeds === undefined && !needsLog
  if (log === undefined || isUnused) return []
  const { tls, sasl } = log
  const problems = checkLogTls(tls, ['log'])
  if (log.kind === 'kafka' && log.brokers.length === 0) {
    problems.push({ path: ['log', 'brokers'], text: 'missing, expected at least one broker such as [kafka-1:9092], or log.kind: embedded' })
  }
  if (sasl !== undefined && (sasl.passwordFile === undefined) === (sasl.password === undefined)) {
    const found = sasl.password === undefined ? 'no password' : 'two passwords'
    problems.push({
      path: ['log', 'sasl'],
      text: `has ${found}, expected either passwordFile or the environment variable PULSEWIRE_LOG_SASL_PASSWORD`,
    })
  }
  return problems
}

function checkLogTls(tls: Configs['all']['log']['tls'], path: Path): Problem[] {
  const problems: Problem[] = []
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    problems.push({ path: [...path, 'tls'], text: 'has only one of certFile and keyFile, expected both or neither' })
  }
  if (!tls.enabled && (tls.caFile ?? tls.certFile ?? tls.serverName) !== undefined) {
    problems.push({ path: [...path, 'tls', 'enabled'], text: 'found false beside other TLS settings, expected true, or remove those' })
  }
  return problems
}

/** Twice the same control topic would be one installation under two names: each of its nodes taken for a mistake. */
function checkOtherZones({ balancer, log, directory, node }: CheckedConfig): Problem[] {
  if (balancer === undefined || log === undefined || directory === undefined) return []
  const { otherZones } = balancer
  const placeOf = (brokers: readonly string[], topic: string): string => `${[...brokers].sort().join()} ${topic}`
  const places = [placeOf(log.brokers, directory.topic), ...otherZones.map((one) => placeOf(one.log.brokers, one.topic))]
  const at = (index: number, key: string): Path => ['balancer', 'otherZones', index, key]
  return [
    ...otherZones.flatMap(({ log: { tls } }, index) => checkLogTls(tls, at(index, 'log'))),
    ...duplicates([node?.zone, ...otherZones.map(({ zone }) => zone)]).map((index) => ({
      path: at(index - 1, 'zone'),
      text: `found "${otherZones[index - 1]!.zone}", which is ${otherZones[index - 1]!.zone === node?.zone ? "this balancer's own (node.zone)" : 'there already'}, expected a name of its own`,
    })),
    ...duplicates(places).map((index) => ({
      path: at(index - 1, 'log'),
      text: `found a control topic that is ${places[index] === places[0] ? "this balancer's own" : 'there already'}, expected one of another Kafka; zones that share one need no entry`,
    })),
  ]
}

function checkDirectory({ directory, node, push, gateway }: CheckedConfig): Problem[] {
  if (directory?.enabled !== true) return []
  const { beatIntervalMs, lifeMs } = directory
  const problems: Problem[] = []
  if (lifeMs < 3 * beatIntervalMs) {
    problems.push({
      path: ['directory', 'lifeMs'],
      text: `found ${lifeMs}, expected at least ${3 * beatIntervalMs}, three beats: one may be late, or lost`,
    })
  }
  const unnamed = (['push', 'gateway'] as const).filter((role) => isEveryAddress({ push, gateway }[role]?.listen.host ?? ''))
  if (node?.advertise.length === 0 && unnamed.length > 0) {
    const role = unnamed.at(-1)!
    problems.push({
      path: ['node', 'advertise'],
      text: `missing, expected the addresses at which others reach this node, such as [ws://${role}-1:${{ push, gateway }[role]!.listen.port}], because ${role}.listen.host is every address of this machine`,
    })
  }
  return problems
}

export function isEveryAddress(host: string): boolean {
  return ['0.0.0.0', '::', '[::]', '0'].includes(host)
}

function checkFeeds({ feeds = [], pulse, push }: CheckedConfig): Problem[] {
  return [
    ...checkDelayed(feeds, push?.delayedFeeds ?? []),
    ...duplicates(feeds.map(({ name }) => name)).map((index) => ({
      path: ['feeds', index, 'name'],
      text: `found "${feeds[index]!.name}" a second time, expected a name of its own`,
    })),
    ...feeds.flatMap((feed, index) => checkFeed(feed, ['feeds', index], pulse?.intervalMs)),
  ]
}

function checkDelayed(feeds: readonly FeedConfig[], delayed: PushConfig['push']['delayedFeeds']): Problem[] {
  const names = feeds.map(({ name }) => name)
  const problems = duplicates([...names, ...delayed.map(({ name }) => name)])
    .filter((index) => index >= names.length)
    .map((index) => ({
      path: ['push', 'delayedFeeds', index - names.length, 'name'],
      text: `found "${delayed[index - names.length]!.name}" a second time, expected a name of its own, such as ${delayed[index - names.length]!.of}-delayed`,
    }))
  const unknown = delayed.flatMap(({ of }, index) =>
    names.includes(of)
      ? []
      : [{ path: ['push', 'delayedFeeds', index, 'of'], text: `found "${of}", expected one of the feeds: ${names.join(', ')}` }],
  )
  return [...problems, ...unknown]
}

function checkFeed(feed: FeedConfig, path: Path, writerIntervalMs: number | undefined): Problem[] {
  const problems: Problem[] = []
  const pulseIntervalMs = writerIntervalMs ?? feed.pulseIntervalMs
  if (feed.codec === 'protobuf' && feed.protobuf === undefined) {
    problems.push({ path: [...path, 'protobuf'], text: 'missing, codec protobuf needs schemaFile and message' })
  }
  if (feed.codec !== 'protobuf' && feed.protobuf !== undefined) {
    problems.push({ path: [...path, 'codec'], text: `found "${feed.codec}" beside a protobuf section, expected protobuf` })
  }
  if (feed.merge && feed.mode === 'every') {
    problems.push({
      path: [...path, 'merge'],
      text: 'found true with mode every, which gives each record as it is, expected mode latest or merge: false',
    })
  }
  if (feed.merge && feed.codec === 'raw') {
    problems.push({
      path: [...path, 'merge'],
      text: 'found true with codec raw, whose records have no fields to merge, expected json or protobuf',
    })
  }
  if (feed.staleAfterMs < 2 * pulseIntervalMs) {
    problems.push({ path: [...path, 'staleAfterMs'], text: tooShort(feed.staleAfterMs, pulseIntervalMs) })
  }
  return problems
}

function checkSessions({ push, gateway }: CheckedConfig): Problem[] {
  const problems = [
    ...(push === undefined ? [] : checkSession(push.session, ['push', 'session'])),
    ...(gateway === undefined ? [] : checkSession(gateway.session, ['gateway', 'session'])),
  ]
  if (gateway !== undefined && gateway.staleAfterMs < 2 * gateway.linkPulseIntervalMs) {
    problems.push({ path: ['gateway', 'staleAfterMs'], text: tooShort(gateway.staleAfterMs, gateway.linkPulseIntervalMs) })
  }
  return problems
}

function checkSession(session: SessionConfig, path: Path): Problem[] {
  const problems: Problem[] = []
  if (session.staleAfterMs < 2 * session.pulseIntervalMs) {
    problems.push({ path: [...path, 'staleAfterMs'], text: tooShort(session.staleAfterMs, session.pulseIntervalMs) })
  }
  if (session.ackTimeoutMs < 2 * session.pulseIntervalMs) {
    problems.push({ path: [...path, 'ackTimeoutMs'], text: tooShort(session.ackTimeoutMs, session.pulseIntervalMs) })
  }
  if (session.stallAfterMs > session.ackTimeoutMs) {
    const text = `found ${session.stallAfterMs}, expected at most ackTimeoutMs, ${session.ackTimeoutMs}: a receiver is named before it is cut`
    problems.push({ path: [...path, 'stallAfterMs'], text })
  }
  return problems
}

/** One late pulse must not look like a dead feed. */
function tooShort(foundMs: number, pulseIntervalMs: number): string {
  return `found ${foundMs}, expected at least ${2 * pulseIntervalMs}, twice the interval of the pulses that it waits for`
}

function checkUpstreams({ gateway, push, directory }: CheckedConfig): Problem[] {
  if (gateway === undefined) return []
  const { upstreams } = gateway
  const addresses = upstreams.flatMap(({ line, addresses }, index) => addresses.map((address, n) => ({ address, line, index, n })))
  return [
    // A process that has a push node of its own links to that one; a directory knows them all.
    ...(upstreams.length === 0 && push === undefined && directory?.enabled !== true
      ? [
          {
            path: ['gateway', 'upstreams'],
            text: 'missing, expected the push nodes by line, such as [{ line: A, addresses: [ws://push-a1:8081] }], or directory.enabled: true to find them by their leases',
          },
        ]
      : []),
    ...duplicates(upstreams.map(({ line }) => line)).map((index) => ({
      path: ['gateway', 'upstreams', index, 'line'],
      text: `found "${upstreams[index]!.line}" a second time, expected all addresses of a line in one entry`,
    })),
    ...duplicates(addresses.map(({ address }) => address)).map((i) => ({
      path: ['gateway', 'upstreams', addresses[i]!.index, 'addresses', addresses[i]!.n],
      text: `found "${addresses[i]!.address}" a second time, expected each push node once`,
    })),
  ]
}

function checkBalancer({ balancer, gateway, directory }: CheckedConfig): Problem[] {
  if (balancer === undefined) return []
  // In `pulsewire all` it is only one of the roles that may run.
  if (gateway === undefined) {
    if (directory?.enabled === true) return []
    return [{ path: ['directory', 'enabled'], text: 'found false, expected true: a balancer knows gateways by their leases alone' }]
  }
  const { pulseHeardWithinMs } = balancer
  const { pulseIntervalMs } = gateway.session
  if (pulseHeardWithinMs >= 2 * pulseIntervalMs) return []
  return [{ path: ['balancer', 'pulseHeardWithinMs'], text: tooShort(pulseHeardWithinMs, pulseIntervalMs) }]
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

function checkFaults({ faults }: CheckedConfig): Problem[] {
  if (faults === undefined || LOOPBACK.includes(faults.listen.host)) return []
  return [
    { path: ['faults', 'listen', 'host'], text: `found "${faults.listen.host}", expected a loopback address: ${LOOPBACK.join(', ')}` },
  ]
}

function checkListening({ push, gateway, balancer, console, watchdog, faults }: CheckedConfig): Problem[] {
  const listeners = [
    { path: ['push', 'listen', 'port'], port: push?.listen.port ?? 0 },
    { path: ['gateway', 'listen', 'port'], port: gateway?.listen.port ?? 0 },
    { path: ['balancer', 'listen', 'port'], port: balancer?.listen.port ?? 0 },
    { path: ['balancer', 'admin', 'listen', 'port'], port: hasAdmin(balancer) ? (balancer?.admin.listen.port ?? 0) : 0 },
    { path: ['console', 'listen', 'port'], port: console?.enabled === true ? console.listen.port : 0 },
    { path: ['watchdog', 'probes', 'listen', 'port'], port: watchdog?.probes.enabled === true ? watchdog.probes.listen.port : 0 },
    { path: ['faults', 'listen', 'port'], port: faults?.enabled === true ? faults.listen.port : 0 },
  ].filter(({ port }) => port !== 0)
  return duplicates(listeners.map(({ port }) => port)).map((index) => ({
    path: listeners[index]!.path,
    text: `found ${listeners[index]!.port} a second time, expected a port of its own`,
  }))
}

function hasAdmin(balancer: CheckedConfig['balancer']): boolean {
  return (balancer?.admin.secret ?? balancer?.admin.secretFile) !== undefined
}

function duplicates(values: readonly unknown[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []))
}

/** @returns why the file cannot be read, if it cannot. */
export function unreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK)
    return undefined
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return `found ${JSON.stringify(file)}, ${missing ? 'which does not exist' : 'which cannot be read'}, expected a readable file`
  }
}

function checkSecrets({ operator, inner }: CheckedConfig): Problem[] {
  return Object.entries({ operator, inner }).flatMap(([section, given]) => {
    if (given?.secret === undefined || given.secretFile === undefined) return []
    const text = `has two secrets, expected either secretFile or the environment variable PULSEWIRE_${section.toUpperCase()}_SECRET`
    return [{ path: [section], text }]
  })
}

/** A certificate without its key, or the other way round, would be no TLS at all. */
function checkTls({ push, gateway, balancer, inner, node }: CheckedConfig): Problem[] {
  const sections = { 'push.tls': push?.tls, 'gateway.tls': gateway?.tls, 'balancer.tls': balancer?.tls, inner }
  const problems: Problem[] = Object.entries(sections).flatMap(([name, files]) =>
    (files?.certFile === undefined) === (files?.keyFile === undefined)
      ? []
      : [{ path: name.split('.'), text: 'has only one of certFile and keyFile, expected both or neither' }],
  )
  if (push?.tls.clientCaFile !== undefined && push.tls.certFile === undefined)
    problems.push({ path: ['push', 'tls', 'certFile'], text: 'missing, expected a certificate beside clientCaFile' })
  const listener = gateway ?? push
  const wrong = node?.advertise.find((address) => address.startsWith('wss:') !== (listener?.tls.certFile !== undefined))
  // What ends TLS in front of a node makes wss: of ws:, and not the other way round.
  if (listener !== undefined && wrong?.startsWith('ws:') === true)
    problems.push({
      path: ['node', 'advertise'],
      text: `found ${JSON.stringify(wrong)}, expected wss://…, because the listener speaks TLS alone`,
    })
  return problems
}

function checkProxies({ gateway, balancer }: CheckedConfig): Problem[] {
  return Object.entries({ gateway, balancer }).flatMap(([role, section]) =>
    (section?.trustedProxies ?? []).flatMap((range, index) => {
      const [address, bits] = range.split('/')
      const family = isIP(address!)
      if (family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128))) return []
      const text = `found ${JSON.stringify(range)}, expected an IP address, or a range such as 10.0.0.0/8`
      return [{ path: [role, 'trustedProxies', index], text }]
    }),
  )
}
