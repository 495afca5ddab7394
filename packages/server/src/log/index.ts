export type {
  AppendResult,
  Log,
  LogAppend,
  LogEvent,
  LogReader,
  LogRecord,
  LogStart,
  OffsetRange,
  OffsetSpan,
  PartitionRange,
  PartitionStart,
  ReadOptions,
  TopicDescription,
  TopicOptions,
} from './log.ts'
export { createEmbeddedLog, type EmbeddedLog, type EmbeddedLogOptions } from './embedded/embedded-log.ts'
export type { EmbeddedConnection } from './embedded/connection.ts'
export type { EmbeddedReader } from './embedded/reader.ts'
export { murmur2, partitionForKey } from './partitioner.ts'
export { openKafkaLog } from './kafka/kafka-log.ts'
export type { KafkaLogOptions, KafkaSasl, KafkaTls } from './kafka/options.ts'
export { connectIpcLog, type IpcLogOptions } from './ipc/client.ts'
export { serveLogOverIpc } from './ipc/server.ts'
export type { IpcChannel } from './ipc/messages.ts'
export { alone, Clusters, clustersOf } from './clusters.ts'
export { openKafkaByConfig, openLog } from './open-log.ts'
