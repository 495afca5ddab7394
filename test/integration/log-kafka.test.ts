import { openKafkaLog } from '../../packages/server/src/log/index.ts'
import { startKafka } from '../support/kafka.ts'
import { addPartitions, deleteRecordsBefore } from '../support/kafka-admin.ts'
import { logContract } from './log-contract.ts'

logContract('the Kafka log', async () => {
  const kafka = await startKafka({ own: true })
  const { brokers } = kafka
  // Quick looks: the suite waits for what a reader finds out by looking.
  const open = () => openKafkaLog({ brokers, metadataIntervalMs: 300, appendTimeoutMs: 3000 })
  const log = open()
  return {
    log,
    open: async () => open(),
    breakDown: () => kafka.kill(),
    repair: () => kafka.restart(),
    addPartitions: (topic, partitions) => addPartitions(brokers, topic, partitions),
    deleteRecordsBefore: (topic, partition, offset) => deleteRecordsBefore(brokers, topic, partition, offset),
    close: async () => {
      await log.close()
      await kafka.stop()
    },
  }
})
