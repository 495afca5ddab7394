import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { PulsewireError, type VerdictsAnswer } from '@pulsewire/server'

const TIMEOUT_MS = 5000

/** Codes of what may go wrong when a balancer is asked. docs/errors.md lists the same; a test keeps both equal. */
export const VERDICTS_ERROR_CODES = {
  balancer_unreachable: 'No balancer answers at the address.',
  balancer_answer: 'What answers at the address is no balancer, or one that cannot answer.',
} as const

/** Asks a balancer for its verdicts. @throws PulsewireError with a code of the table. */
export async function fetchVerdicts(url: string, signal?: AbortSignal): Promise<VerdictsAnswer> {
  return askBalancer<VerdictsAnswer>({ url, path: '/v1/verdicts', member: 'verdicts', ...(signal === undefined ? {} : { signal }) })
}

/**
 * Asks a balancer. The answer is taken for one when it holds the list of that name.
 * @throws PulsewireError with a code of the table.
 */
export async function askBalancer<Answer>(options: {
  /** `http://lb-1:8070` */
  readonly url: string
  readonly path: string
  readonly member: keyof Answer & string
  readonly signal?: AbortSignal
}): Promise<Answer> {
  const { url, path, member, signal = AbortSignal.timeout(TIMEOUT_MS) } = options
  const address = `${url.replace(/\/+$/, '')}${path}`
  let response: Response
  try {
    response = await fetch(address, { signal, headers: shown() })
  } catch (cause) {
    const why = `no balancer answers at ${url} (${reasonOf(cause)}): is it running, and is the address right?`
    throw new PulsewireError('balancer_unreachable', why, { cause, retryable: true })
  }
  const body = (await response.json().catch(() => undefined)) as (Partial<Answer> & { readonly message?: unknown }) | undefined
  if (response.ok && Array.isArray(body?.[member])) return body as Answer
  const said = typeof body?.message === 'string' ? body.message : `HTTP ${response.status}`
  // One with a port for operators has nothing for them on the other.
  const hint = response.status === 404 ? ' One may have a port of its own for operators (balancer.admin.listen).' : ''
  throw new PulsewireError('balancer_answer', `${address} answers without ${member} (${said}): is it a balancer?${hint}`)
}

/** What a balancer wants to be shown by operators, and who they are, for its audit. */
function shown(): Record<string, string> {
  const { PULSEWIRE_BALANCER_ADMIN_SECRET: value, PULSEWIRE_BALANCER_ADMIN_SECRET_FILE: file } = process.env
  const secret = value || (file ? readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]! : '')
  const who = { 'x-pulsewire-operator': `${userInfo().username}@${hostname()}` }
  return secret === '' ? who : { ...who, authorization: `Bearer ${secret}` }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string; code?: string }; message: string }
  return cause?.message || cause?.code || message
}
