export interface BackoffOptions {
  /** Upper bound of the first delay, in ms. */
  readonly backoffBaseMs: number
  /** Upper bound of any delay, in ms. */
  readonly backoffMaxMs: number
}

/** From the second attempt on no delay is shorter, whatever the dice say: an unlucky row of zeros is a busy loop. */
export const DELAY_MIN_MS = 100

/**
 * Exponential backoff with full jitter: uniform between 0 and a bound that doubles with each attempt. A crowd that lost
 * its gateway together does not come back together.
 * @param attempt 0 for the first.
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: () => number): number {
  const boundMs = Math.min(options.backoffMaxMs, options.backoffBaseMs * 2 ** Math.min(attempt, 30))
  const delayMs = random() * boundMs
  return attempt === 0 ? delayMs : Math.max(Math.min(DELAY_MIN_MS, options.backoffMaxMs), delayMs)
}
