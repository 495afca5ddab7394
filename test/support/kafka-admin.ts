/** What tests do to a real Kafka that the log itself has no business doing. */
import { Admin } from '@platformatic/kafka'

export async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'pulsewire-test', bootstrapBrokers: [...brokers] })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

export async function addPartitions(brokers: readonly string[], topic: string, partitions: number): Promise<void> {
  await withAdmin(brokers, (admin) => admin.createPartitions({ topics: [{ name: topic, count: partitions }] }))
}

export async function deleteRecordsBefore(brokers: readonly string[], topic: string, partition: number, offset: number): Promise<void> {
  const partitions = [{ partition, offset: BigInt(offset) }]
  await withAdmin(brokers, (admin) => admin.deleteRecords({ topics: [{ name: topic, partitions }] }))
}
