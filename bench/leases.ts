/**
 * What leases cost whoever reads them: `node bench/leases.ts`. Every node reads every lease, once a second each, so a row
 * times the number of nodes is what each of them spends.
 */
import { decodeControl, encodeLease } from '../packages/server/src/directory/control-record.ts'
import type { Lease } from '../packages/server/src/directory/index.ts'
import { NodeTable } from '../packages/server/src/directory/node-table.ts'
import { gatewayLease } from '../tools/docs/scale/sample-lease.ts'

const NODES = 1000
const ROUNDS = 20

for (const links of [2, 16, 64]) {
  const table = new NodeTable()
  let beat = 0
  let bytes = 0
  const read = (): void => {
    beat++
    for (let i = 0; i < NODES; i++) {
      const lease: Lease = { ...gatewayLease(links), node: `gw-${i}`, beat }
      const { key, value } = encodeLease(lease)
      records.push([Buffer.from(key as string), Buffer.from(value as string)])
    }
    const before = process.cpuUsage()
    for (const [key, value] of records.splice(0)) {
      bytes = key.byteLength + value.byteLength
      const record = decodeControl(key, value)
      if (record.kind !== 'lease' || !table.hear(record.lease, record.left, beat)) throw new Error('a lease was not believed')
    }
    const { user, system } = process.cpuUsage(before)
    if (beat > ROUNDS / 2) spentUs += user + system
  }
  const records: (readonly [Uint8Array, Uint8Array])[] = []
  let spentUs = 0
  for (let round = 0; round < ROUNDS; round++) read()
  console.log(`${links} links: ${bytes} bytes, ${(spentUs / (ROUNDS / 2) / NODES).toFixed(1)} µs`)
}
