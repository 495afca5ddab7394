import { PulsewireError, type VerdictsAnswer } from '@pulsewire/server'

const TIMEOUT_MS = 5000

/** Codes of what may go wrong when a balancer is asked. docs/errors.md lists the same; a test keeps both equal. */
export const VERDICTS_ERROR_CODES = {
  balancer_unreachable: 'No balancer answers at the address.',
  balancer_answer: 'What answers at the address is no balancer, or one that cannot answer.',
} as const

/** Asks a balancer for its verdicts. @throws PulsewireError with a code of the table. */
export async function fetchVerdicts(url: string, signal: AbortSignal = AbortSignal.timeout(TIMEOUT_MS)): Promise<VerdictsAnswer> {
  const address = `${url.replace(/\/+$/, '')}/v1/verdicts`
  let response: Response
  try {
    response = await fetch(address, { signal })
  } catch (cause) {
    throw new PulsewireError(
      'balancer_unreachable',
      `no balancer answers at ${url} (${reasonOf(cause)}): is it running, and is --url right?`,
      {
        cause,
        retryable: true,
      },
    )
  }
  const body = (await response.json().catch(() => undefined)) as Partial<VerdictsAnswer & { message: string }> | undefined
  if (response.ok && Array.isArray(body?.verdicts)) return body as VerdictsAnswer
  const said = typeof body?.message === 'string' ? body.message : `HTTP ${response.status}`
  throw new PulsewireError('balancer_answer', `${address} answers without verdicts (${said}): is it a balancer?`)
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string; code?: string }; message: string }
  return cause?.message || cause?.code || message
}
