import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionForKey } from './partitioner.ts'

test("murmur2 agrees with the vectors of Kafka's own UtilsTest", () => {
  const vectors: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, hash] of vectors) assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test('a key keeps its partition, as text or as bytes, and partitions are never negative', () => {
  for (let i = 0; i < 1000; i++) {
    const key = `股票-${i}`
    const partition = partitionForKey(key, 7)
    assert.ok(partition >= 0 && partition < 7)
    assert.equal(partitionForKey(Buffer.from(key), 7), partition)
  }
})
