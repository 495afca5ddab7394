import type { Log, TopicDescription } from '../log/index.ts'
import { DirectoryError, LogError } from '../runtime/errors.ts'

/**
 * Compacted, in small segments that are rolled and cleaned soon, so that reading it from the start stays quick: a beat a
 * second from a hundred nodes is then some 20 MB. Tombstones stay for as long as anybody may take to read it.
 */
const SETTINGS = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(4 * 1024 * 1024),
  'segment.ms': '300000',
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': '300000',
  'delete.retention.ms': '300000',
} as const

/**
 * Looks for the control topic and makes it when it is missing.
 * @throws DirectoryError `control_topic_missing`, `control_topic_shape`; LogError when the log does not answer.
 */
export async function ensureControlTopic(log: Log, topic: string): Promise<TopicDescription> {
  const found = (await describe(log, topic)) ?? (await create(log, topic))
  if (found.partitions.length === 1) return found
  throw new DirectoryError(
    'control_topic_shape',
    `topic ${topic} has ${found.partitions.length} partitions, expected 1 (order counts): delete it, or name another with directory.topic`,
  )
}

/** What is known of how long a control topic keeps its records. */
export interface TopicPolicy {
  /** `cleanup.policy`, as the log has it. */
  readonly cleanup: string
  /** Records older than that are removed, though they are the last of their key; `null`: none are. */
  readonly deletesAfterMs: number | null
}

/** @returns `null` where the log does not tell: it has no settings, or this principal may not see them. */
export async function policyOf(log: Log, topic: string): Promise<TopicPolicy | null> {
  const settings = await log.settings?.(topic, ['cleanup.policy', 'retention.ms']).catch(() => undefined)
  const cleanup = settings?.get('cleanup.policy')
  if (cleanup === undefined) return null
  const retentionMs = Number(settings!.get('retention.ms') ?? -1)
  return { cleanup, deletesAfterMs: parts(cleanup).includes('delete') && retentionMs >= 0 ? retentionMs : null }
}

/** What is wrong with it, and what to do; `null`: nothing. */
export function complaintOf({ cleanup, deletesAfterMs }: TopicPolicy, topic: string, brokers = 'BROKER:9092'): TopicComplaint | null {
  const policies = parts(cleanup)
  if (policies.includes('compact') && !policies.includes('delete')) return null
  const when = deletesAfterMs === null ? '' : ` after ${deletesAfterMs} ms (retention.ms)`
  return {
    what: `topic ${topic} has cleanup.policy=${cleanup}, expected compact: Kafka removes operators' words, the catalogue and revocations from it${when}`,
    todo: `kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${topic} --add-config cleanup.policy=compact`,
  }
}

export interface TopicComplaint {
  readonly what: string
  readonly todo: string
}

function parts(cleanup: string): string[] {
  return cleanup.split(',').map((part) => part.trim())
}

async function describe(log: Log, topic: string): Promise<TopicDescription | undefined> {
  try {
    return await log.describe(topic)
  } catch (error) {
    if (error instanceof LogError && error.code === 'log_topic_missing') return undefined
    throw error
  }
}

async function create(log: Log, topic: string): Promise<TopicDescription> {
  try {
    await log.createTopic(topic, { partitions: 1, config: SETTINGS })
  } catch (cause) {
    if (cause instanceof LogError && cause.code === 'log_unreachable') throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    const settings = Object.entries(SETTINGS).map(([name, value]) => `${name}=${value}`)
    throw new DirectoryError(
      'control_topic_missing',
      `topic ${topic} does not exist and cannot be created (${why}): create it with 1 partition and ${settings.join(', ')}, or let this principal do so`,
      { cause },
    )
  }
  return log.describe(topic)
}
