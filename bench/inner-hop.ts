/**
 * What a record costs between push nodes and a gateway: `node bench/inner-hop.ts`. Hubs, sessions, links and arbitration are
 * the real ones, the sockets are left out. The figure of one line less than that of two is what the second line costs.
 */
import { GatewayWorld } from '../test/support/gateway-world.ts'

const SYMBOLS = 2000
const RECORDS = 200_000
const WARM_UP = 50_000
/** Records that come between two flushes: 50,000 a second at 10 ms. */
const BATCH = 500
const FLUSH_MS = 10

/** @returns CPU time per record in µs, of the push nodes and the gateway together. */
async function measure(lines: Readonly<Record<string, 'A' | 'B'>>): Promise<number> {
  const world = await GatewayWorld.open({ nodes: lines, feeds: [{ symbolsMax: SYMBOLS }] })
  const symbols = Array.from({ length: SYMBOLS }, (_, i) => `S${i}.US`)
  const receiver = world.connect()
  receiver.subscribe(symbols, { maxRate: 1 })
  world.pass(1000)
  let last = 0
  const write = (records: number): void => {
    for (let i = 0; i < records; i++) {
      const tick = i % 100
      world.record(symbols[(i * 7919) % SYMBOLS]!, { last: 100 + tick, bid: 99 + tick, ask: 101 + tick, volume: i, turnover: i * 100 })
      if (i % BATCH === 0) {
        world.clock.advance(FLUSH_MS)
        receiver.take()
        last++
      }
      if (i % (BATCH * 50) === 0) world.pulse()
    }
  }
  write(WARM_UP)
  const before = process.cpuUsage()
  write(RECORDS)
  const { user, system } = process.cpuUsage(before)
  if (last === 0) throw new Error('nothing was written')
  return (user + system) / RECORDS
}

const two = await measure({ a1: 'A', b1: 'B' })
const one = await measure({ a1: 'A' })
console.log(
  `µs per record, push nodes and gateway together: one line ${one.toFixed(1)}, two lines ${two.toFixed(1)} (${(two / one).toFixed(2)} ×)`,
)
