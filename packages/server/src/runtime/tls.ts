import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import { PulsewireError } from './errors.ts'
import { FileWatch, type FileWatchDeps } from './file-watch.ts'
import type { Logger } from './logger.ts'

export interface TlsConfig {
  /** PEM, with the chain behind it. */
  readonly certFile: string
  readonly keyFile: string
  /** Of those who sign the certificates of who connects. */
  readonly clientCaFile?: string
  readonly minVersion: SecureVersion
}

/** A certificate that ends within this is named at each start and reload. */
const ENDS_SOON_MS = 14 * 86_400_000

/** A server whose certificate can be changed under its connections. */
interface SecureServer {
  setSecureContext(options: SecureContextOptions): void
}

export interface TlsDeps extends FileWatchDeps {
  readonly logger: Logger
  /** Unix time in ms; certificates speak of it. */
  readonly wallMs?: () => number
}

/** The certificate and key of a node's listeners, read anew when their files change; what cannot be used never takes the place of what can. */
export class ListenerTls {
  readonly #config: TlsConfig
  readonly #deps: TlsDeps
  readonly #watch: FileWatch
  #options: SecureContextOptions
  readonly #servers: SecureServer[] = []

  /** @throws PulsewireError `tls_unusable` naming the file. */
  constructor(config: TlsConfig, deps: TlsDeps) {
    this.#config = config
    this.#deps = deps
    this.#watch = new FileWatch(deps)
    this.#options = this.#read()
  }

  /** For making a server. */
  get options(): SecureContextOptions & { readonly requestCert: boolean; readonly rejectUnauthorized: boolean } {
    // Who shows none may have a secret instead.
    return { ...this.#options, requestCert: this.#config.clientCaFile !== undefined, rejectUnauthorized: false }
  }

  /** The certificate that it shows now, PEM, with the chain behind it. */
  get certificate(): string {
    return String(this.#options.cert)
  }

  /** From now on the server has whatever is newest, as others may beside it; connections that there are go on as they are. */
  follow(server: SecureServer): void {
    this.#servers.push(server)
    if (this.#servers.length > 1) return
    const { certFile, keyFile, clientCaFile } = this.#config
    this.#watch.follow([certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])], (why) => this.#reload(why))
  }

  close(): void {
    this.#watch.close()
  }

  #reload(why: string): void {
    const { logger } = this.#deps
    try {
      this.#options = this.#read()
      for (const server of this.#servers) server.setSecureContext(this.#options)
      logger.info('tls_reloaded', `the certificate ${this.#config.certFile} was read anew: ${why}`, {})
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      logger.error('tls_unusable', `${message}; the certificate before stays in use`, {})
    }
  }

  #read(): SecureContextOptions {
    const { certFile, keyFile, clientCaFile, minVersion } = this.#config
    const cert = readPem(certFile)
    const key = readPem(keyFile)
    const certificate = attempt(certFile, () => new X509Certificate(cert))
    const privateKey = attempt(keyFile, () => createPrivateKey(key))
    if (!certificate.checkPrivateKey(privateKey)) throw unusable(keyFile, `it is not the key of the certificate ${certFile}`)
    const nowMs = (this.#deps.wallMs ?? Date.now)()
    const endsMs = certificate.validToDate.getTime()
    if (endsMs <= nowMs) throw unusable(certFile, `it has ended on ${certificate.validToDate.toISOString()}`)
    if (endsMs - nowMs < ENDS_SOON_MS)
      this.#deps.logger.warn('tls_ends_soon', `the certificate ${certFile} ends on ${certificate.validToDate.toISOString()}`, {})
    const options = { cert, key, minVersion, ...(clientCaFile === undefined ? {} : { ca: readPem(clientCaFile) }) }
    attempt(clientCaFile ?? certFile, () => createSecureContext(options))
    return options
  }
}

/** @returns null for a listener without a certificate. @throws PulsewireError `tls_unusable` */
export function listenerTls(
  { certFile, keyFile, clientCaFile, minVersion }: Partial<TlsConfig> & Pick<TlsConfig, 'minVersion'>,
  deps: TlsDeps,
): ListenerTls | null {
  if (certFile === undefined || keyFile === undefined) return null
  return new ListenerTls({ certFile, keyFile, minVersion, ...(clientCaFile === undefined ? {} : { clientCaFile }) }, deps)
}

function readPem(file: string): Buffer {
  return attempt(file, () => readFileSync(file))
}

function attempt<T>(file: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw unusable(file, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function unusable(file: string, why: string, cause?: unknown): PulsewireError {
  return new PulsewireError('tls_unusable', `the file ${file} cannot be used: ${why}`, { cause })
}
