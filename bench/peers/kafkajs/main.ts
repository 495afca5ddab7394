/**
 * The Node peer: kafkajs reads the topic, ws sends each record as it is to every client that asked for its symbol.
 * What a team would write in a day; one process, nothing kept, nothing conflated.
 *
 * Usage: node main.ts BROKERS TOPIC
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { WebSocketServer, type WebSocket } from 'ws'

const [brokers = '127.0.0.1:9092', topic = 'bench-quotes'] = process.argv.slice(2)
const subscribers = new Map<string, Set<WebSocket>>()

function subscribe(socket: WebSocket, symbols: readonly string[]): void {
  for (const symbol of symbols) {
    let sockets = subscribers.get(symbol)
    if (sockets === undefined) subscribers.set(symbol, (sockets = new Set()))
    sockets.add(socket)
  }
  socket.once('close', () => {
    for (const symbol of symbols) subscribers.get(symbol)?.delete(socket)
  })
  socket.send(JSON.stringify({ subscribed: symbols.length }))
}

function publish(symbol: string, value: Buffer): void {
  const sockets = subscribers.get(symbol)
  if (sockets === undefined) return
  for (const socket of sockets) socket.send(value, { binary: false })
}

const http = createServer()
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
sockets.on('connection', socket => {
  socket.on('error', () => socket.terminate())
  socket.on('message', data => {
    const { subscribe: symbols } = JSON.parse(String(data)) as { subscribe: string[] }
    subscribe(socket, symbols)
  })
})
await new Promise<void>(resolve => void http.listen(0, '127.0.0.1', resolve))

const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `bench-${process.pid}` })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: false })
const joined = new Promise<void>(resolve => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
await consumer.run({
  autoCommit: false,
  // A batch at a time: one promise per record would be the largest cost of this process.
  eachBatch: async ({ batch }) => {
    for (const { key, value } of batch.messages) if (key !== null && value !== null) publish(key.toString(), value)
  },
})
await joined
console.log(`ready ws://127.0.0.1:${(http.address() as AddressInfo).port}/`)
process.on('SIGTERM', () => process.exit(0))
