/** One strict schema per role. Types, defaults, environment names, help and docs/configuration.md all come from here. */
import * as z from 'zod'
import type { accessSection } from './sections/access.ts'
import { directorySection } from './sections/directory.ts'
import { feedsSection, type feedSection, type history } from './sections/feeds.ts'
import { logSection } from './sections/log.ts'
import { linedNodeSection, nodeSection } from './sections/node.ts'
import { consoleSection, loggingSection, shutdownSection } from './sections/operation.ts'
import { innerSection } from './sections/inner.ts'
import { operatorSection } from './sections/operator.ts'
import type { otherZones } from './sections/other-zones.ts'
import { balancerSection, gatewaySection, pulseSection, pushSection } from './sections/roles.ts'
import { tracesSection } from './sections/traces.ts'
import type { sessionSection } from './sections/session.ts'
import { faultsSection, watchdogSection } from './sections/watchdog.ts'
import type { Secret } from './secret.ts'
import type { SecretSource } from './secrets.ts'

const operation = {
  logging: loggingSection,
  shutdown: shutdownSection,
  watchdog: watchdogSection,
  faults: faultsSection,
  operator: operatorSection,
}

/** Of the roles that quotes flow through. */
const traced = { ...operation, inner: innerSection, traces: tracesSection }

const shared = { log: logSection, directory: directorySection }

const push = z.strictObject({ node: linedNodeSection, ...shared, feeds: feedsSection, push: pushSection, ...traced })

const gateway = z.strictObject({
  node: nodeSection,
  ...shared,
  gateway: gatewaySection,
  console: consoleSection({ enabled: false }),
  ...traced,
})

const pulse = z.strictObject({ node: nodeSection, ...shared, feeds: feedsSection, pulse: pulseSection, ...operation })

const balancer = z.strictObject({
  node: nodeSection,
  ...shared,
  balancer: balancerSection,
  console: consoleSection({ enabled: false }),
  ...operation,
})

const all = z.strictObject({
  node: linedNodeSection,
  ...shared,
  feeds: feedsSection,
  push: pushSection,
  gateway: gatewaySection,
  balancer: balancerSection,
  pulse: pulseSection,
  console: consoleSection({ enabled: false }),
  ...traced,
})

export const SCHEMAS = { push, gateway, balancer, pulse, all } as const

/** What a process can be configured as. `all` runs several roles in one process. */
export type ConfigRole = keyof typeof SCHEMAS

export const CONFIG_ROLES = Object.keys(SCHEMAS) as readonly ConfigRole[]

type Frozen<T> = T extends readonly (infer E)[] ? readonly Frozen<E>[] : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** The schema's output with what loading fills in: ids, whether this is production, the secret itself in place of the file that holds it. */
type WithNode<T extends { readonly node: object }> = Omit<T, 'node'> & {
  readonly node: T['node'] & { readonly id: string; readonly production: boolean }
}

type Parsed<R extends ConfigRole> = WithNode<Frozen<z.output<(typeof SCHEMAS)[R]>>>

export type LogConfig = Omit<Frozen<z.output<typeof logSection>>, 'sasl'> & { readonly sasl?: SaslConfig }

/** How a Kafka is reached. */
export type KafkaConfig = Omit<LogConfig, 'kind' | 'embeddedPartitions'>

/** A zone whose nodes have a Kafka of their own. */
export interface OtherZoneConfig {
  readonly zone: string
  readonly log: KafkaConfig
  readonly topic: string
}

/** As it is read, before the files that it names. */
export type ParsedOtherZones = Frozen<z.output<typeof otherZones>>

export interface SaslConfig {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: Secret
  /** Where that was read, when it came from a file: it may hold another one by now. */
  readonly passwordFile?: string
}

export type DirectoryConfig = Frozen<z.output<typeof directorySection>>
export type FeedConfig = Frozen<z.output<typeof feedSection>>
/** A feed as a push node reads it. */
export type ReadFeed = FeedConfig & {
  /** It shows another one as that was so long ago. Absent: what is. */
  readonly delay?: { readonly of: string; readonly delayMs: number }
}
export type HistoryConfig = Frozen<z.output<typeof history>>
export type SessionConfig = Frozen<z.output<ReturnType<typeof sessionSection>>>
export type WatchdogConfig = Frozen<z.output<typeof watchdogSection>>
export type TracesConfig = Frozen<z.output<typeof tracesSection>>
export type FaultsConfig = Frozen<z.output<typeof faultsSection>>
export type PulseWriterConfig = Frozen<z.output<typeof pulseSection>> & { readonly writerId: string }

type WithLog<T> = Omit<T, 'log'> & { readonly log: LogConfig }
type WithWriter<T> = Omit<T, 'pulse'> & { readonly pulse: PulseWriterConfig }

type WithOperator<T> = Omit<WithLog<T>, 'operator'> & { readonly operator: OperatorConfig }
type WithSecrets<T> = Omit<WithOperator<T>, 'inner'> & { readonly inner: InnerConfig }

export type InnerConfig = Omit<Frozen<z.output<typeof innerSection>>, 'secret' | 'secretFile'> & {
  /** Of which gateways show the first, and push nodes take any. None: anybody is let in. */
  readonly secrets: readonly Secret[]
  readonly source?: SecretSource
}

export interface OperatorConfig {
  /** Absent: nobody may ask this node anything. */
  readonly secret?: Secret
}

type WithAccess<T extends { readonly gateway: object }> = Omit<T, 'gateway'> & {
  readonly gateway: Omit<T['gateway'], 'access'> & { readonly access: AccessConfig }
}
type WithProbes<T extends { readonly balancer: object }> = Omit<T, 'balancer'> & {
  readonly balancer: Omit<T['balancer'], 'probeSecret' | 'probeSecretFile' | 'admin' | 'otherZones'> & {
    /** Of which the first is shown. */
    readonly probeSecrets: readonly Secret[]
    readonly probeSource?: SecretSource
    readonly admin: AdminConfig
    readonly otherZones: readonly OtherZoneConfig[]
  }
}

export interface AdminConfig {
  readonly listen: { readonly host: string; readonly port: number }
  /** None: there is no port of its own. */
  readonly secrets: readonly Secret[]
  readonly source?: SecretSource
}

/** As it is read, before the files that it names. */
export type ParsedAccess = Frozen<z.output<typeof accessSection>>

/** With the secrets themselves in place of the files that hold them. */
export type AccessConfig = Omit<ParsedAccess, 'secret' | 'secretFile' | 'probeSecret' | 'probeSecretFile' | 'jwks'> & {
  readonly secrets: readonly Secret[]
  readonly source?: SecretSource
  readonly probeSecrets: readonly Secret[]
  readonly probeSource?: SecretSource
  readonly jwks?: Omit<ParsedAccess['jwks'], 'url'> & { readonly url: string }
}

export type PushConfig = WithSecrets<Parsed<'push'>>
export type GatewayConfig = WithAccess<WithSecrets<Parsed<'gateway'>>>
export type BalancerConfig = WithProbes<WithOperator<Parsed<'balancer'>>>
export type PulseConfig = WithWriter<WithOperator<Parsed<'pulse'>>>
export type AllConfig = WithProbes<WithAccess<WithWriter<WithSecrets<Parsed<'all'>>>>>

export interface Configs {
  readonly push: PushConfig
  readonly gateway: GatewayConfig
  readonly balancer: BalancerConfig
  readonly pulse: PulseConfig
  readonly all: AllConfig
}
