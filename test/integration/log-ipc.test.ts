import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectIpcLog, createEmbeddedLog, type IpcChannel, serveLogOverIpc } from '../../packages/server/src/log/index.ts'
import { logContract } from './log-contract.ts'
import { from, Tap } from './log-tap.ts'
import type { HostOrder } from './log-ipc-host.ts'

function start(script: string): ChildProcess {
  return fork(join(import.meta.dirname, script), { serialization: 'advanced', stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
}

/** One listener for the whole wait: several messages may come in one turn. */
function untilMessage(child: ChildProcess, isIt: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (!isIt(message as Record<string, unknown>)) return
      child.off('message', listen)
      resolve(message as Record<string, unknown>)
    }
    child.on('message', listen)
  })
}

async function startHost(): Promise<ChildProcess> {
  const host = start('log-ipc-host.ts')
  await untilMessage(host, (message) => message['hostDone'] === true)
  return host
}

logContract('the log over IPC', async () => {
  const host = await startHost()
  const order = async (what: HostOrder): Promise<void> => {
    const done = untilMessage(host, (message) => message['hostDone'] === true)
    host.send({ host: what })
    await done
  }
  const channel = host as IpcChannel
  return {
    log: connectIpcLog({ channel }),
    open: async () => connectIpcLog({ channel }),
    breakDown: () => order({ order: 'setReachable', reachable: false }),
    repair: () => order({ order: 'setReachable', reachable: true }),
    addPartitions: (topic, partitions) => order({ order: 'addPartitions', topic, partitions }),
    deleteRecordsBefore: (topic, partition, offset) => order({ order: 'deleteRecordsBefore', topic, partition, offset }),
    close: async () => {
      host.disconnect()
      await once(host, 'exit')
    },
  }
})

test('a child reads the log of its parent', { timeout: 30_000 }, async () => {
  const log = createEmbeddedLog()
  log.createTopicNow('quotes', { partitions: 1 })
  log.appendNow('quotes', [{ key: 'A', value: 'one' }])
  const child = start('log-ipc-reader.ts')
  serveLogOverIpc(log, child as IpcChannel)
  assert.deepEqual((await untilMessage(child, (message) => 'read' in message))['read'], ['one'])
  log.appendNow('quotes', [{ key: 'A', value: 'two' }])
  assert.deepEqual((await untilMessage(child, (message) => 'read' in message))['read'], ['two'])
  const said = once(child.stderr!, 'data')
  child.disconnect()
  assert.match(String((await said)[0]), /ended after unreachable/)
  assert.deepEqual(await once(child, 'exit'), [0, null], 'nothing keeps the child alive')
})

test('when the child is killed, the parent lets its readers go', { timeout: 30_000 }, async () => {
  const log = createEmbeddedLog()
  log.createTopicNow('quotes', { partitions: 1 })
  const child = start('log-ipc-reader.ts')
  serveLogOverIpc(log, child as IpcChannel)
  log.appendNow('quotes', [{ key: 'A', value: 'one' }])
  await untilMessage(child, (message) => 'read' in message)
  assert.equal(log.readerCount, 1)
  child.kill('SIGKILL')
  await once(child, 'disconnect')
  assert.equal(log.readerCount, 0)
})

test('when the holder of the log is killed, readers say so and end, and calls reject', { timeout: 30_000 }, async () => {
  const host = await startHost()
  const log = connectIpcLog({ channel: host as IpcChannel })
  await log.createTopic('quotes', { partitions: 1 })
  await using tap = new Tap(log.read('quotes', from({ at: 'earliest' }, 0)))
  await tap.untilStarted(1)
  host.kill('SIGSTOP')
  const waiting = assert.rejects(log.describe('quotes'), { code: 'log_closed' })
  host.kill('SIGKILL')
  await waiting
  assert.equal(await tap.ended, undefined)
  assert.deepEqual(tap.kinds, ['started', 'unreachable'])
  await assert.rejects(log.append('quotes', [{ key: 'A', value: 'x' }]), { code: 'log_closed' })
  assert.throws(() => log.read('quotes', []), { code: 'log_closed' })
})

test('a holder that does not answer is told from one that refuses', { timeout: 30_000 }, async () => {
  const host = await startHost()
  const log = connectIpcLog({ channel: host as IpcChannel, callTimeoutMs: 50 })
  host.kill('SIGSTOP')
  await assert.rejects(log.describe('quotes'), { code: 'log_unreachable', retryable: true })
  host.kill('SIGKILL')
  await once(host, 'exit')
})
