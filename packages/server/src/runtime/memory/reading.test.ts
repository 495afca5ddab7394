import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryMeter } from './reading.ts'

const MIB = 1024 ** 2

describe('the memory meter', () => {
  it('tells what is in use after a full collection, and has one made on request', async () => {
    using meter = new MemoryMeter()
    const counted = async () => {
      const before = meter.read().collections
      meter.collect()
      while (meter.read().collections === before) await new Promise((resolve) => setImmediate(resolve))
      return meter.read().heapBytes
    }
    const before = await counted()
    let held: object[] | null = Array.from({ length: 400_000 }, (_, i) => ({ i, text: [i] }))
    const holding = await counted()
    assert.ok(holding - before > 20 * MIB, `${(holding - before) / MIB} MiB for ${held.length} objects`)
    held = null
    const after = await counted()
    assert.ok(after - before < 10 * MIB, `${(after - before) / MIB} MiB stayed`)
    assert.ok(after < meter.read().heapLimitBytes && meter.read().processBytes > after)
  })
})
