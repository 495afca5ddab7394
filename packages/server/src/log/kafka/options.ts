import { readFileSync } from 'node:fs'
import type { SASLOptions } from '@platformatic/kafka'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { readPasswordFile } from '../../runtime/password-file.ts'

/**
 * Where Kafka is and how to reach it. Secrets are used and never printed. Files are read at each connection, so that
 * what changes in them needs no restart; one that cannot be read then counts as it was.
 */
export interface KafkaLogOptions {
  /** Bootstrap brokers, `host:port`; without a port, 9092. */
  readonly brokers: readonly string[]
  /** Shows in the brokers' logs and quotas. Default `pulsewire`. */
  readonly clientId?: string
  /** `true`: TLS with the system's authorities; or files and names of one's own. */
  readonly tls?: boolean | KafkaTls
  readonly sasl?: KafkaSasl

  /** How long one connection attempt may take. Default 3,000. */
  readonly connectTimeoutMs?: number
  /** How long a broker may take to answer; past it the connection is taken for dead and replaced. Default 3,000. */
  readonly requestTimeoutMs?: number
  /** How long a fetch waits at the broker for new records; they are sent at once when there are any. Default 250. */
  readonly fetchWaitMs?: number
  /**
   * Least time between two fetches from one broker while there is little to fetch. A broker answers as soon as it has one
   * record, so without it a steady trickle makes a thousand fetches a second. Default 10.
   */
  readonly fetchIntervalMinMs?: number
  /** Most bytes of one fetch from one broker; twice that may be held per broker. Default 4 MiB. */
  readonly fetchBytesMax?: number
  /** Most bytes of one partition in one fetch; a larger record batch still comes, alone. Default 1 MiB. */
  readonly fetchPartitionBytesMax?: number
  /** How often a reader looks for moved leaders, new partitions and a recreated topic. Default 3,000. */
  readonly metadataIntervalMs?: number
  /** How long an append may be tried. Default 10,000. */
  readonly appendTimeoutMs?: number
  /** First and longest pause between attempts; each is jittered by half. Default 100 and 2,000. */
  readonly backoffMs?: number
  readonly backoffMaxMs?: number

  readonly clock?: Clock
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number
}

export interface KafkaTls {
  /** File of trusted authorities, PEM. Default: the system's. */
  readonly caFile?: string
  /** Client certificate and key, PEM, for mutual TLS. */
  readonly certFile?: string
  readonly keyFile?: string
  readonly keyPassphrase?: string
  /** Name to verify instead of the broker's host. */
  readonly serverName?: string
}

export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  readonly username?: string
  readonly password?: string
  /** File that holds the password, in place of it: read at each connection. */
  readonly passwordFile?: string
  readonly token?: string
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** The options with every default filled in, as the rest of this folder uses them. */
export interface KafkaSettings {
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly fetchWaitMs: number
  readonly fetchIntervalMinMs: number
  readonly fetchBytesMax: number
  readonly fetchPartitionBytesMax: number
  readonly metadataIntervalMs: number
  readonly appendTimeoutMs: number
  readonly backoffMs: number
  readonly backoffMaxMs: number
  readonly clock: Clock
  readonly random: () => number
  /** What the library's `Connection` takes beside the client id, as files have it now. */
  readonly connection: () => ConnectionSettings
}

export interface ConnectionSettings {
  readonly connectTimeout: number
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly passphrase?: string }
  readonly tlsServerName?: string | boolean
  readonly sasl?: SASLOptions
}

/** @throws Error when no broker is named, an address is malformed or a TLS file cannot be read. */
export function resolveOptions(options: KafkaLogOptions): KafkaSettings {
  if (options.brokers.length === 0) throw new TypeError('brokers: name at least one, as host:port')
  const connectTimeoutMs = options.connectTimeoutMs ?? 3000
  return {
    bootstrap: options.brokers.map(parseAddress),
    clientId: options.clientId ?? 'pulsewire',
    connectTimeoutMs,
    requestTimeoutMs: options.requestTimeoutMs ?? 3000,
    fetchWaitMs: options.fetchWaitMs ?? 250,
    fetchIntervalMinMs: options.fetchIntervalMinMs ?? 10,
    fetchBytesMax: options.fetchBytesMax ?? 4 * 1024 * 1024,
    fetchPartitionBytesMax: options.fetchPartitionBytesMax ?? 1024 * 1024,
    metadataIntervalMs: options.metadataIntervalMs ?? 3000,
    appendTimeoutMs: options.appendTimeoutMs ?? 10_000,
    backoffMs: options.backoffMs ?? 100,
    backoffMaxMs: options.backoffMaxMs ?? 2000,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    connection: reading(() => ({
      connectTimeout: connectTimeoutMs,
      ...tlsSettings(options.tls),
      ...(options.sasl === undefined ? {} : { sasl: saslSettings(options.sasl) }),
    })),
  }
}

/** Reads at once, and again at each call; a file that cannot be read later may be just being replaced. */
function reading<T>(read: () => T): () => T {
  let last = read()
  return () => {
    try {
      last = read()
    } catch {
      // What was good before counts.
    }
    return last
  }
}

function saslSettings({ passwordFile, ...login }: KafkaSasl): SASLOptions {
  if (passwordFile === undefined) return login
  const password = readPasswordFile(passwordFile)
  if (password === '') throw new TypeError(`the password file ${passwordFile} is empty`)
  return { ...login, password }
}

function tlsSettings(tls: boolean | KafkaTls | undefined): Pick<ConnectionSettings, 'tls' | 'tlsServerName'> {
  if (tls === undefined || tls === false) return {}
  const files = tls === true ? {} : tls
  return {
    tls: {
      ...(files.caFile === undefined ? {} : { ca: readFileSync(files.caFile) }),
      ...(files.certFile === undefined ? {} : { cert: readFileSync(files.certFile) }),
      ...(files.keyFile === undefined ? {} : { key: readFileSync(files.keyFile) }),
      ...(files.keyPassphrase === undefined ? {} : { passphrase: files.keyPassphrase }),
    },
    tlsServerName: files.serverName ?? true,
  }
}

/** `host`, `host:port`, `[v6]:port`. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d+))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? 9092)
  if (host === undefined || port < 1 || port > 65535) throw new TypeError(`broker address "${text}": write host:port`)
  return { host, port }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
