/** `npm run kafka [-- --port 9092]`: a Kafka for development, gone with Ctrl-C. */
import { parseArgs } from 'node:util'
import { startKafka } from '../test/support/kafka.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '9092' } } })
const port = Number(values.port)
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error(`--port takes a number from 1 to 65535, not ${values.port}`)
  process.exit(2)
}

console.log('Starting Apache Kafka (the first time, Maven fetches it) …')
const kafka = await startKafka({ own: true, port }).catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
console.log(`Kafka answers at ${kafka.brokers.join(',')}. Ctrl-C stops it and removes its data.`)

const alive = setInterval(() => {}, 60_000)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    clearInterval(alive)
    await kafka.stop()
    console.log('Kafka stopped.')
  })
}
