/** A child process that holds an embedded log and offers it over IPC; faults are ordered by message. */
import { createEmbeddedLog, serveLogOverIpc } from '../../packages/server/src/log/index.ts'

export type HostOrder =
  | { readonly order: 'setReachable'; readonly reachable: boolean }
  | { readonly order: 'addPartitions'; readonly topic: string; readonly partitions: number }
  | { readonly order: 'deleteRecordsBefore'; readonly topic: string; readonly partition: number; readonly offset: number }

const log = createEmbeddedLog()
serveLogOverIpc(log, process)
process.on('message', (message: { host?: HostOrder }) => {
  if (message.host === undefined) return
  obey(message.host)
  process.send?.({ hostDone: true })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ hostDone: true })

function obey(order: HostOrder): void {
  switch (order.order) {
    case 'setReachable':
      return log.setReachable(order.reachable)
    case 'addPartitions':
      return log.addPartitions(order.topic, order.partitions)
    case 'deleteRecordsBefore':
      return log.deleteRecordsBefore(order.topic, order.partition, order.offset)
  }
}
