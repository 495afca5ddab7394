import { isIP } from 'node:net'
import { type API, Connection, ResponseError } from '@platformatic/kafka'
import type { LogError } from '../../runtime/errors.ts'
import { BrokerTimeoutError, connectionError } from './errors.ts'
import type { Address, KafkaSettings } from './options.ts'

/**
 * One connection to one broker, on the library's framing, TLS and SASL. What it adds: every request has a deadline,
 * past which the connection is destroyed (a Kafka client can stall while everything else looks fine), and destroying
 * it settles whatever is under way.
 */
export class BrokerConnection {
  readonly address: Address
  readonly #settings: KafkaSettings
  readonly #connection: Connection
  readonly #pending = new Set<(error: LogError) => void>()
  #connected: Promise<void> | undefined
  /** Why the connection is destroyed. */
  #end: LogError | undefined

  constructor(address: Address, settings: KafkaSettings) {
    this.address = address
    this.#settings = settings
    const connection = settings.connection()
    // An address that is a number is verified as it is: TLS knows no server name of that form, and Node throws at one.
    const tlsServerName = connection.tlsServerName === true ? isIP(address.host) === 0 : connection.tlsServerName
    this.#connection = new Connection(settings.clientId, { ...connection, ...(tlsServerName === undefined ? {} : { tlsServerName }) })
    // Errors reach their requests; without a listener, an emitter's `error` would end the process.
    this.#connection.on('error', (error) => this.destroy(connectionError(address, error)))
    this.#connection.on('close', () => this.destroy())
  }

  get isDestroyed(): boolean {
    return this.#end !== undefined
  }

  /** Connects once, however often it is asked. @throws LogError `log_unreachable`, `log_denied`. */
  connect(): Promise<void> {
    this.#connected ??= this.#within('connecting', this.#settings.connectTimeoutMs, (settle) => {
      const { host, port } = this.address
      try {
        this.#connection.connect(host, port, (error) => settle(error, undefined))
      } catch (error) {
        settle(error as Error)
      }
    })
    return this.#connected
  }

  /**
   * One request. Resolves also when the broker reports errors inside its response: the caller looks at their codes.
   * @throws LogError `log_unreachable` when there is no answer within `timeoutMs`; the connection is then destroyed.
   */
  async request<Arguments extends unknown[], Response>(
    api: API<Arguments, Response>,
    parameters: Arguments,
    timeoutMs: number = this.#settings.requestTimeoutMs,
  ): Promise<Response> {
    await this.connect()
    return this.#within('request', timeoutMs, (settle) => {
      api(this.#connection, ...parameters, (error: Error | null, response?: Response) => {
        if (error instanceof ResponseError) settle(null, error['response'] as Response)
        else settle(error, response)
      })
    })
  }

  /** Closes at once, whatever is under way. Idempotent. */
  destroy(error: LogError = connectionError(this.address, new Error('connection closed'))): void {
    if (this.#end !== undefined) return
    this.#end = error
    for (const fail of [...this.#pending]) fail(error)
    // `close` lets go of the library's own timers; it then waits politely for the peer, which `destroy` does not.
    this.#connection.close(() => {})
    this.#connection.socket?.destroy()
  }

  /** Runs `start` against a deadline and against `destroy`; the first to settle wins. */
  #within<T>(what: string, timeoutMs: number, start: (settle: (error: Error | null | undefined, value?: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end)
      const end = (): void => {
        timer.cancel()
        this.#pending.delete(fail)
      }
      const fail = (error: LogError): void => {
        end()
        reject(error)
      }
      const timer = this.#settings.clock.after(timeoutMs, () => this.destroy(new BrokerTimeoutError(this.address, what, timeoutMs)))
      this.#pending.add(fail)
      start((error, value) => {
        if (error) {
          fail(connectionError(this.address, error))
          this.destroy()
        } else {
          end()
          resolve(value as T)
        }
      })
    })
  }
}
