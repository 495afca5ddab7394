import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { AskCode } from '@pulsewire/protocol'
import { AskAudit } from '../ask-audit.ts'
import type { Clock } from '../clock.ts'
import type { Secret } from '../config/secret.ts'
import type { Logger } from '../logger.ts'
import { isProven, newNonce, type Question } from '../operator-proof.ts'
import { Quota } from '../quota.ts'
import type { OwnAnswer } from './thread-answers.ts'

export const WATCHDOG_ASK_PATH = '/v1/ask'
/** A nonce stands for one question, for so long. */
const NONCE_MS_MAX = 10_000
const NONCES_MAX = 64
const BODY_BYTES_MAX = 16 * 1024
/** Who takes nothing of an answer for so long has gone. */
const UNTAKEN_MS_MAX = 30_000
/** Questions taken at once, and in a second; each may hold the main thread still for some milliseconds. */
const BURST = 10
const PER_SECOND = 2
/** Unproven questions that are written down, at once and a second. */
const TELL_BURST = 10
const TELL_PER_SECOND = 0.2

const STATUS: Partial<Record<AskCode, number>> = { ask_unproven: 403, ask_too_many: 429, ask_unknown: 404 }

interface Put {
  readonly question: string
  readonly args: Readonly<Record<string, string>>
  readonly who: string
}

/** A question as it is proven; one of its kind per nonce. */
export function watchdogQuestion({ question, args, who }: Put): Question {
  return { id: 1, path: [], question, args, who }
}

export interface AskServerOptions {
  readonly node: string
  readonly secret: Secret
  readonly clock: Pick<Clock, 'nowMs'>
  readonly logger: Logger
  /** `given` is when the answer has gone out, or nobody wants it any more. */
  readonly answer: (question: string, args: Readonly<Record<string, string>>, given: Promise<void>) => Promise<OwnAnswer>
}

/**
 * Takes operators' questions on the watchdog's own socket: proven as those in band are, each for a nonce of its own, limited
 * and written down. `GET` gives a nonce, `POST` puts a question.
 */
export class AskServer {
  readonly #options: AskServerOptions
  /** With the time at which they were given; the oldest go first. */
  readonly #nonces = new Map<string, number>()
  readonly #audit: AskAudit
  readonly #quota: Quota
  readonly #tellQuota: Quota

  constructor(options: AskServerOptions) {
    const clock = options.clock as Clock
    this.#options = options
    this.#audit = new AskAudit({ clock, logger: options.logger, by: 'the watchdog of' })
    this.#quota = new Quota(clock, BURST, PER_SECOND)
    this.#tellQuota = new Quota(clock, TELL_BURST, TELL_PER_SECOND)
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { node } = this.#options
    if (request.method === 'GET') return give(response, 200, JSON.stringify({ node, nonce: this.#newNonce() }))
    if (request.method !== 'POST') return give(response, 405, JSON.stringify({ code: 'ask_unknown', message: 'GET or POST' }))
    const over = () => {}
    const given = once(response, 'close').then(over, over)
    void this.#asked(request, given).then((answer) => {
      if ('stream' in answer) giveParts(response, 200, answer.stream)
      else if ('text' in answer) give(response, 200, answer.text)
      else give(response, STATUS[answer.code] ?? 500, JSON.stringify({ ...answer, node }))
    })
  }

  #newNonce(): string {
    const nonce = newNonce()
    this.#nonces.set(nonce, this.#options.clock.nowMs())
    const [oldest] = this.#nonces.keys()
    if (this.#nonces.size > NONCES_MAX) this.#nonces.delete(oldest!)
    return nonce
  }

  /** Never throws. */
  async #asked(request: IncomingMessage, given: Promise<void>): Promise<OwnAnswer> {
    const { node, secret, clock, logger, answer } = this.#options
    try {
      const put = questionFrom(JSON.parse(await textOf(request)))
      if (put === undefined) return { code: 'ask_unknown', message: 'that is no question' }
      const { nonce, proof, ...question } = put
      const givenAtMs = this.#nonces.get(nonce)
      this.#nonces.delete(nonce)
      const isFresh = givenAtMs !== undefined && clock.nowMs() - givenAtMs <= NONCE_MS_MAX
      const from = request.socket.remoteAddress ?? ''
      if (!isProven(secret, nonce, watchdogQuestion(question), proof) || !isFresh) {
        const message = `somebody who says to be ${JSON.stringify(question.who)} asks the watchdog of ${node}, without proof`
        if (this.#tellQuota.take()) logger.warn('ask_unproven', message, { from })
        return { code: 'ask_unproven', message: `the proof is not by the operator secret of ${node}, or its nonce is over` }
      }
      if (!this.#quota.take()) return { code: 'ask_too_many', message: `the watchdog of ${node} takes ${PER_SECOND} questions a second` }
      this.#audit.write({ ...question, path: [], target: node, from })
      return await answer(question.question, question.args, given)
    } catch (error) {
      return { code: 'ask_failed', message: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** Without a library: this thread keeps next to nothing. */
function questionFrom(tree: unknown): (Put & { readonly nonce: string; readonly proof: string }) | undefined {
  if (typeof tree !== 'object' || tree === null) return undefined
  const { nonce, question, args, who, proof } = tree as Readonly<Record<string, unknown>>
  const texts = typeof args === 'object' && args !== null ? Object.values(args) : [undefined]
  if (![nonce, question, who, proof, ...texts].every((text) => typeof text === 'string')) return undefined
  return { nonce, question, args, who, proof } as ReturnType<typeof questionFrom>
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`a question has at most ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function give(response: ServerResponse, status: number, text: string): void {
  giveParts(response, status, Readable.from([text], { objectMode: false }))
}

/** Whoever reads an answer that fails is cut, and so sees that its end is missing. */
function giveParts(response: ServerResponse, status: number, parts: Readable): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.flushHeaders()
  response.setTimeout(UNTAKEN_MS_MAX, () => response.destroy())
  pipeline(parts, response, () => {})
}
