import type { Timer } from '../clock.ts'
import type { Environment } from '../environment.ts'
import { PulsewireError, toPulsewireError } from '../errors.ts'
import { ANSWER_BYTES_MAX, readHandOut, type HandOut } from './hand-out.ts'

/**
 * A balancer that has not answered after this long is not waited for alone: the next one is asked too. Long enough for one
 * whom a crowd asks at once: if all of that asked all balancers, these would be later still, and keep two places in their
 * rows for each.
 */
const NEXT_AFTER_MS = 1_000

/** Asks balancers for gateways: the one that answered last first, the others when that fails or takes its time. */
export class Balancers {
  readonly #urls: readonly string[]
  readonly #environment: Environment
  /** Index of the one to ask first. */
  #first: number

  constructor(urls: readonly string[], environment: Environment) {
    this.#urls = urls
    this.#environment = environment
    // A crowd of clients is spread over the balancers.
    this.#first = Math.floor(environment.random() * urls.length)
  }

  /**
   * Asks each balancer once at most.
   * @param timeoutMs for all of them together.
   * @param wasRefused a gateway has just refused us: we are sent after the crowd that is at its door.
   * @throws PulsewireError balancer_unavailable, balancer_invalid: what the last one failed by.
   */
  ask(timeoutMs: number, wasRefused = false): Promise<HandOut & { readonly by: string }> {
    const { clock } = this.#environment
    const all = new AbortController()
    const timers: Timer[] = []
    let asked = 0
    let waiting = 0
    return new Promise<HandOut & { readonly by: string }>((resolve, reject) => {
      const askNext = () => {
        if (asked >= this.#urls.length || all.signal.aborted) return
        const index = (this.#first + asked++) % this.#urls.length
        waiting++
        timers.push(clock.after(NEXT_AFTER_MS, askNext))
        this.#askOne(this.#urls[index]!, wasRefused, all.signal).then(
          (handOut) => {
            if (!all.signal.aborted) this.#first = index
            resolve({ ...handOut, by: new URL(this.#urls[index]!).origin })
          },
          (error: unknown) => {
            waiting--
            askNext()
            if (waiting === 0) reject(error)
          },
        )
      }
      timers.push(
        clock.after(timeoutMs, () => {
          reject(new PulsewireError('balancer_unavailable', `no balancer answered in ${timeoutMs} ms`, { retryable: true }))
        }),
      )
      askNext()
    }).finally(() => {
      all.abort()
      for (const timer of timers) timer.cancel()
    })
  }

  async #askOne(url: string, wasRefused: boolean, signal: AbortSignal): Promise<HandOut> {
    const asked = new URL(url)
    const { origin, protocol } = asked
    if (wasRefused) asked.searchParams.set('refused', 'true')
    try {
      const { status, text } = await this.#environment.fetchText(asked.href, ANSWER_BYTES_MAX, signal)
      if (status >= 300 && status < 400) {
        throw new PulsewireError('balancer_invalid', `${origin} answered with a redirect, which is not followed`, { retryable: true })
      }
      if (status !== 200) throw new PulsewireError('balancer_unavailable', `${origin} answered with ${status}`, { retryable: true })
      return readHandOut(text, protocol === 'https:')
    } catch (error) {
      throw toPulsewireError(error, 'balancer_unavailable', true)
    }
  }
}
