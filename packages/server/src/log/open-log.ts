import type { KafkaConfig, LogConfig, SaslConfig } from '../runtime/config/index.ts'
import { createEmbeddedLog } from './embedded/embedded-log.ts'
import { connectIpcLog } from './ipc/client.ts'
import { openKafkaLog } from './kafka/kafka-log.ts'
import type { KafkaSasl } from './kafka/options.ts'
import type { Log } from './log.ts'

/**
 * The log that a configuration names. An `embedded` one is the parent process's when there is a channel to it (demo),
 * else one in this process, with the given topics made in it.
 */
export async function openLog(config: LogConfig, nodeId: string, topics: readonly string[]): Promise<Log> {
  if (config.kind === 'kafka') return openKafkaByConfig(config, nodeId)
  if (process.connected) return connectIpcLog({ callTimeoutMs: config.requestTimeoutMs })
  const log = createEmbeddedLog({})
  for (const topic of topics) await log.createTopic(topic, { partitions: config.embeddedPartitions })
  return log
}

/** The Kafka cluster that a configuration names. */
export function openKafkaByConfig(config: KafkaConfig, nodeId: string): Log {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl, fetch } = config
  const { enabled, ...files } = tls
  return openKafkaLog({
    brokers,
    clientId: `${clientId}-${nodeId}`,
    connectTimeoutMs,
    requestTimeoutMs,
    fetchWaitMs: fetch.waitMaxMs,
    fetchIntervalMinMs: fetch.intervalMinMs,
    fetchBytesMax: fetch.bytesMax,
    fetchPartitionBytesMax: fetch.partitionBytesMax,
    ...(enabled ? { tls: files } : {}),
    ...(sasl === undefined ? {} : { sasl: loginOf(sasl) }),
  })
}

function loginOf({ mechanism, username, password, passwordFile }: SaslConfig): KafkaSasl {
  return { mechanism, username, ...(passwordFile === undefined ? { password: password.reveal() } : { passwordFile }) }
}
