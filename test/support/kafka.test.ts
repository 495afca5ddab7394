import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'

test('a test process that is killed leaves neither a broker nor files behind', { timeout: 90_000 }, async () => {
  const script = `
    import { startKafka } from ${JSON.stringify(new URL('./kafka.ts', import.meta.url).href)}
    const kafka = await startKafka({ own: true })
    console.log(JSON.stringify({ brokers: kafka.brokers, dir: kafka.dir }))
    setInterval(() => {}, 1000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { brokers, dir } = JSON.parse(String((await once(child.stdout!, 'data'))[0])) as { brokers: string[]; dir: string }
  const socket = connect(Number(brokers[0]!.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  assert.ok(existsSync(dir))
  // The end of a broker that is killed may be a reset, which \`once\` would take for a failure.
  const disconnected = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  child.kill('SIGKILL')
  await disconnected
  while (existsSync(dir)) await new Promise((resolve) => setImmediate(resolve))
})
