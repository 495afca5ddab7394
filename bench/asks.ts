/**
 * How many clients a balancer answers: `node bench/asks.ts`. Its real HTTP server, 1,000 gateways, plain HTTP over loopback;
 * the figure is CPU time of its thread alone, the clients are in another one. TLS is not in it.
 */
import { Agent, get } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { startBalancer } from '../packages/server/src/balancer/test-support/balancer-world.ts'

const GATEWAYS = 1000
const AT_ONCE = 32
const WARM_UP = 1000
const ASKS = 5000

interface Job {
  readonly port: number
  /** Each client has a connection of its own, as in a storm; else they share some. */
  readonly anew: boolean
}

async function asks({ port, anew }: Job, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: !anew, maxSockets: AT_ONCE })
  let left = count
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const url = `http://127.0.0.1:${port}/v1/gateways?zone=z1&client=bench`
      get(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`answered with ${response.statusCode}`))
        response.resume().on('end', resolve)
      }).on('error', reject)
    })
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await one()
    }),
  )
  agent.destroy()
}

async function measure(anew: boolean): Promise<number> {
  const nodes = Array.from({ length: GATEWAYS }, (_, i) => `gw-${i + 1}`)
  await using world = await startBalancer(nodes, ['balancer.requestsPerSecondMax=1000000'])
  nodes.forEach((node, i) => {
    world.directory.beat(node, { zone: `z${(i % 3) + 1}` })
  })
  world.clock.advance(2500)
  for (const node of nodes) world.directory.beat(node)
  world.clock.advance(20)
  const worker = new Worker(new URL(import.meta.url), { workerData: { port: world.balancer.port, anew } satisfies Job })
  const heard = () => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await heard()
  const before = process.threadCpuUsage()
  worker.postMessage('go')
  await heard()
  const { user, system } = process.threadCpuUsage(before)
  await worker.terminate()
  return (user + system) / ASKS
}

if (isMainThread) {
  const kept = await measure(false)
  const anew = await measure(true)
  console.log(`µs per answer: over connections that stay ${kept.toFixed(0)}, over one of its own each ${anew.toFixed(0)}`)
} else {
  const port = parentPort!
  await asks(workerData as Job, WARM_UP)
  port.postMessage('warm')
  await new Promise((resolve) => port.once('message', resolve))
  await asks(workerData as Job, ASKS)
  port.postMessage('done')
}
