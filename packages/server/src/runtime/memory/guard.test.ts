import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { createMemoryLogger } from '../logger.ts'
import { MemoryGuard } from './guard.ts'
import type { MemoryReading } from './reading.ts'

const MIB = 1024 ** 2

function world() {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const critical: string[] = []
  let reading: MemoryReading = { heapBytes: 0, heapLimitBytes: 100 * MIB, processBytes: 0, processLimitBytes: 1000 * MIB }
  const guard = new MemoryGuard({ clock, logger, read: () => reading, shedAbovePercent: 85, onCritical: (why) => critical.push(why) })
  const use = (part: Partial<MemoryReading>): void => {
    reading = { ...reading, ...part }
    clock.advance(300)
  }
  return { clock, guard, use, critical, codes: () => logger.lines.map(({ code }) => code) }
}

describe('the memory guard', () => {
  it('orders nothing below the mark, and something above it, at intervals', () => {
    const { clock, guard, use } = world()
    use({ heapBytes: 84 * MIB })
    assert.equal(guard.isShort, false)
    assert.equal(guard.takeOrder(), null)
    use({ heapBytes: 86 * MIB })
    assert.equal(guard.isShort, true)
    assert.equal(guard.takeOrder(), 'the heap takes 86 of 100 MiB')
    assert.equal(guard.takeOrder(), null)
    clock.advance(500)
    assert.notEqual(guard.takeOrder(), null)
  })

  it('goes by whichever limit is nearer', () => {
    const { guard, use } = world()
    use({ heapBytes: 10 * MIB, processBytes: 900 * MIB })
    assert.equal(guard.takeOrder(), 'the process takes 900 of 1000 MiB')
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
