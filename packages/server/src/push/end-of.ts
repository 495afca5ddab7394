import type { Log } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'

/** Whoever asks waits for the answer: a log that does not say by then is said to be unreachable. */
const ANSWER_MS_MAX = 1500

/** Where a partition ends. */
export async function endOf(
  log: Pick<Log, 'describe'>,
  topic: string,
  partition: number,
  clock: Clock,
): Promise<{ readonly end: number | null; readonly unreachable: string | null }> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.after(ANSWER_MS_MAX, () => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
  try {
    const { partitions } = await Promise.race([log.describe(topic), late])
    return { end: partitions.find((range) => range.partition === partition)?.latest ?? null, unreachable: null }
  } catch (error) {
    return { end: null, unreachable: error instanceof Error ? error.message : String(error) }
  } finally {
    timer.cancel()
  }
}
