/** A child process that reads its parent's log over IPC and reports what it meets; used by log-ipc.test.ts. */
import { connectIpcLog } from '../../packages/server/src/log/index.ts'

const log = connectIpcLog()
const reader = log.read('quotes', [{ partition: 0, start: { at: 'earliest' } }])
const kinds: string[] = []
for await (const event of reader) {
  kinds.push(event.kind)
  if (event.kind === 'records') process.send?.({ read: event.records.map((record) => Buffer.from(record.value ?? []).toString()) })
}
// The parent is gone or has ended the log: standard error is all that is left to say it on.
process.stderr.write(`ended after ${kinds.at(-1)}\n`)
