import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { createMemoryLogger } from '../logger.ts'
import { MemoryGuard } from './guard.ts'
import type { MemoryReading } from './reading.ts'

const MIB = 1024 ** 2
const COLLECTION_MS = 200

function world() {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const critical: string[] = []
  let reading: MemoryReading = { heapBytes: 0, heapLimitBytes: 100 * MIB, processBytes: 0, processLimitBytes: 1000 * MIB, collections: 0 }
  /** What a full collection leaves. */
  let live: Partial<MemoryReading> = {}
  const collectedAtMs: number[] = []
  const collect = (): void => {
    collectedAtMs.push(clock.nowMs())
    clock.spend(COLLECTION_MS)
    reading = { ...reading, ...live, collections: reading.collections + 1 }
  }
  const guard = new MemoryGuard({
    clock,
    logger,
    read: () => reading,
    collect,
    shedAbovePercent: 85,
    onCritical: (why) => critical.push(why),
  })
  /** V8 collects by itself and finds so much in use. */
  const use = (part: Partial<MemoryReading>): void => {
    reading = { ...reading, ...part, collections: reading.collections + 1 }
    clock.advance(300)
  }
  const leave = (part: Partial<MemoryReading>) => void (live = part)
  return { clock, guard, use, leave, critical, collectedAtMs, codes: () => logger.lines.map(({ code }) => code) }
}

describe('the memory guard', () => {
  it('orders nothing below the mark, and something above it, at intervals', () => {
    const { clock, guard, use } = world()
    use({ heapBytes: 84 * MIB })
    assert.equal(guard.isShort, false)
    assert.equal(guard.takeOrder(), null)
    use({ heapBytes: 86 * MIB })
    assert.equal(guard.isShort, true)
    assert.deepEqual(guard.takeOrder(), { why: 'the heap takes 86 of 100 MiB', part: 0.2 })
    assert.equal(guard.takeOrder(), null)
    use({ heapBytes: 86 * MIB })
    assert.equal(guard.takeOrder(), null, 'half a second between two')
    clock.advance(500)
    assert.notEqual(guard.takeOrder(), null)
  })

  it('orders nothing more before it knows what the last order gave back, and has that found out', () => {
    const { clock, guard, use, leave, collectedAtMs, codes } = world()
    use({ heapBytes: 90 * MIB })
    leave({ heapBytes: 84 * MIB })
    assert.notEqual(guard.takeOrder(), null)
    const orderedAtMs = clock.nowMs()
    clock.advance(400)
    assert.deepEqual([guard.takeOrder(), collectedAtMs], [null, []], 'V8 has not collected')
    clock.advance(300)
    assert.equal(collectedAtMs.length, 1)
    assert.ok(collectedAtMs[0]! - orderedAtMs >= 500)
    assert.match(guard.takeOrder()!.why, /84 of 100/, 'still too much')
    leave({ heapBytes: 60 * MIB })
    clock.advance(10_000)
    assert.equal(guard.isShort, false)
    assert.equal(collectedAtMs.length, 2, 'one for each order')
    assert.deepEqual(codes(), ['memory_short', 'memory_relieved'])
  })

  it('orders as much as it takes, by what the last order brought: at least a fifth, at most half, and anew in each shortage', () => {
    const { guard, use, clock } = world()
    const parts = [95, 92, 86, 86, 85, 70, 86].map((heap) => {
      use({ heapBytes: heap * MIB })
      clock.advance(500)
      return guard.takeOrder()?.part
    })
    // 3 points by a fifth, 12 to go: four fifths, if half were not the most. Then 6 by a half, as many to go.
    assert.deepEqual(parts, [0.2, 0.5, 0.5, 0.5, 0.5, undefined, 0.2])
    use({ heapBytes: 84 * MIB })
    clock.advance(500)
    assert.equal(guard.takeOrder()?.part, 0.4)
  })

  it('does not spend its time collecting where nothing helps', () => {
    const { clock, guard, use, leave, collectedAtMs } = world()
    use({ heapBytes: 90 * MIB })
    leave({ heapBytes: 90 * MIB })
    const startMs = clock.nowMs()
    for (let i = 0; i < 600; i++) {
      guard.takeOrder()
      clock.advance(100)
    }
    const part = (collectedAtMs.length * COLLECTION_MS) / (clock.nowMs() - startMs)
    assert.ok(collectedAtMs.length > 5 && part < 0.11, `${collectedAtMs.length} collections, ${part} of the time`)
  })

  it('goes by whichever limit is nearer', () => {
    const { guard, use } = world()
    use({ heapBytes: 10 * MIB, processBytes: 900 * MIB })
    assert.equal(guard.takeOrder()?.why, 'the process takes 900 of 1000 MiB')
  })

  it('is relieved only well below the mark', () => {
    const { guard, use, codes } = world()
    use({ heapBytes: 86 * MIB })
    use({ heapBytes: 82 * MIB })
    assert.equal(guard.isShort, true)
    use({ heapBytes: 79 * MIB })
    assert.equal(guard.isShort, false)
    assert.deepEqual(codes(), ['memory_short', 'memory_relieved'])
  })

  it('asks for one report per shortage', () => {
    const { use, critical } = world()
    use({ heapBytes: 94 * MIB })
    use({ heapBytes: 90 * MIB })
    use({ heapBytes: 95 * MIB })
    assert.equal(critical.length, 1)
    use({ heapBytes: 50 * MIB })
    use({ heapBytes: 95 * MIB })
    assert.equal(critical.length, 2)
  })
})
