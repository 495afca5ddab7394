import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../../runtime/clock.ts'
import type { Secret } from '../../runtime/config/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import { ApiError } from './errors.ts'

/** Who looks again and again at the same, as the console does, is written down once in this time, with how often. */
const AUDIT_EVERY_MS = 60_000
/** Of whom it is remembered that they were written down. */
const LOOKS_MAX = 1000
const NAME_CHARS_MAX = 64
/** Needs no secret: probes of supervisors. */
const HEALTH = ['/live', '/ready']

/** Lets in who shows the secret of operators, and writes down who looked at what. */
export class Operators {
  #digests: readonly Buffer[] = []
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #looks = new Map<string, { readonly sinceMs: number; again: number }>()

  constructor(secrets: readonly Secret[], clock: Clock, logger: Logger) {
    this.letIn(secrets)
    this.#clock = clock
    this.#logger = logger
  }

  /** From now on who shows one of these. */
  letIn(secrets: readonly Secret[]): void {
    this.#digests = secrets.map((secret) => digestOf(secret.reveal()))
  }

  guard(app: FastifyInstance): void {
    app.addHook('onRequest', async (request) => {
      const path = request.url.split('?', 1)[0]!
      if (HEALTH.includes(path)) return
      const isIn = this.#knows(request)
      this.#audit(request, path, isIn)
      if (!isIn) throw new ApiError('unauthorized', 'this is for operators: show their secret as Authorization: Bearer')
    })
  }

  /** Takes as long whatever is wrong with it. */
  #knows({ headers }: FastifyRequest): boolean {
    const shown = digestOf(/^Bearer +(.{1,1024})$/i.exec(headers.authorization ?? '')?.[1] ?? '')
    let isKnown = false
    for (const digest of this.#digests) if (timingSafeEqual(digest, shown)) isKnown = true
    return isKnown
  }

  #audit(request: FastifyRequest, path: string, isIn: boolean): void {
    const nowMs = this.#clock.nowMs()
    const who = nameOf(request)
    const key = JSON.stringify([who, request.ip, isIn ? path : '', isIn])
    const look = this.#looks.get(key)
    if (look !== undefined && nowMs - look.sinceMs < AUDIT_EVERY_MS) {
      look.again++
      return
    }
    this.#looks.delete(key)
    const [oldest] = this.#looks.keys()
    if (this.#looks.size >= LOOKS_MAX && oldest !== undefined) this.#looks.delete(oldest)
    this.#looks.set(key, { sinceMs: nowMs, again: 0 })
    const fields = { who, from: request.ip, path, again: look?.again ?? 0 }
    if (isIn) this.#logger.info('admin_asked', `${who} at ${request.ip} looks at ${path}`, fields)
    else this.#logger.warn('admin_refused', `${who} at ${request.ip} asks for ${path} without the secret of operators`, fields)
  }
}

/** As they call themselves: whoever has the secret may say what they like. */
function nameOf({ headers }: FastifyRequest): string {
  const name = headers['x-pulsewire-operator']
  const text = typeof name === 'string' ? name.replaceAll(/[^\x21-\x7e]/g, '') : ''
  return text === '' ? 'somebody' : text.slice(0, NAME_CHARS_MAX)
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
