/** A short run of the fuzzer from a fixed seed, and that it finds what is there to be found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader } from '../../packages/protocol/src/bin/byte-reader.ts'
import { Random } from '../simulation/world/random.ts'
import { campaign } from './engine/campaign.ts'
import { bytesOf, readInput, textOf, writeInput } from './engine/input.ts'
import { Branches, instrument, withCounters } from './engine/instrument.ts'
import { mutate } from './engine/mutate.ts'
import { mutateJson } from './engine/mutate-json.ts'
import type { Target } from './engine/target.ts'

const INPUTS = 100_000
const SEED = 20_261_128
const DEEP_INPUTS = 300_000

test(`${INPUTS} inputs over all targets: nothing but what is documented comes of them`, { timeout: 280_000 }, async () => {
  const branches = instrument((file) => /\/packages\/(protocol|client|server)\/src\//.test(file))
  const { targets } = await import('./targets/index.ts')
  const { fuzzers, findings } = await campaign(targets, { inputs: INPUTS, seed: SEED, branches })
  for (const { target, input, error } of findings)
    throw new Error(`${target}: ${JSON.stringify(writeInput(input)).slice(0, 2000)}`, { cause: error })
  assert.ok(fuzzers.reduce((sum, { inputs }) => sum + inputs, 0) >= INPUTS)
  // Guided: more was kept than there was at the start, of each.
  for (const { target, corpus } of fuzzers) assert.ok(corpus.size > target.seeds.length, target.name)
})

const planted = (run: Target['run'], seeds: readonly string[]): Target => ({
  name: 'planted',
  weight: 1,
  seeds: seeds.map((text) => [bytesOf(text)]),
  run,
})
const fuzz = async (target: Target, inputs: number, branches = new Branches()) =>
  (await campaign([target], { inputs, seed: 1, branches })).findings[0]

test('what is thrown for one input in many is found, and the same again from the same seed', async () => {
  const target = planted(
    ([message]) => {
      const frame = /^\{.*\}$/s.test(textOf(message ?? new Uint8Array())) ? parsed(textOf(message!)) : undefined
      if (Number.isSafeInteger(frame?.['id']) && (frame!['id'] as number) >= 2 ** 31) throw new Error('planted')
    },
    ['{"t":"subscribe","id":1}'],
  )
  const finding = await fuzz(target, 50_000)
  assert.equal((finding?.error as Error | undefined)?.message, 'planted')
  assert.deepEqual((await fuzz(target, 50_000))?.input, finding!.input)
})

test('a nested condition is found by way of the branches before it, and hardly without them', async () => {
  const source = `export const run = (bytes) => { if (bytes[0] === 0x60) { if (bytes[1] === 0x63) { if (bytes[2] === 0x65) { if (bytes[3] === 0x69) throw new Error('deep') } } } }`
  const branches = new Branches()
  Object.assign(globalThis, { __branches: branches.counts })
  const text = withCounters(source, (count) => branches.reserve(count))
  const { run } = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as { run: (bytes: Uint8Array) => void }
  const target = planted(([message = new Uint8Array()]) => run(message), ['aaaaaa'])
  const guided = await fuzz(target, DEEP_INPUTS, branches)
  assert.equal((guided?.error as Error | undefined)?.message, 'deep')
  assert.equal(await fuzz(target, DEEP_INPUTS), undefined)
})

test('an input that takes too long, or too much memory, is a finding', async () => {
  const slow = planted(
    ([message]) => {
      if (message === undefined || message.length <= 20) return
      const before = process.threadCpuUsage()
      while (process.threadCpuUsage(before).user < 700_000) mutate(new Random(1), [message], [message])
    },
    ['x'],
  )
  assert.match(String((await fuzz(slow, 20_000))?.error), /ms of processor time/)
  const kept: Buffer[] = []
  const large = planted(
    ([message]) => {
      // Each little enough to be had well within the time of one, also where pages are slow to come: they add up.
      if (message !== undefined && message.length > 20) kept.push(Buffer.alloc(16 * 1024 * 1024, 1))
    },
    ['x'.repeat(100)],
  )
  assert.match(String((await fuzz(large, 20_000))?.error), /KiB of memory/)
})

test('an input is written to a file and read back as it was', () => {
  const input = [bytesOf('{"a":"腾讯"}'), Uint8Array.of(0xff, 0x01), Uint8Array.of(), bytesOf('﻿x')]
  assert.deepEqual(readInput(JSON.parse(JSON.stringify(writeInput(input)))), input)
})

test('edits of JSON leave JSON, and those of a frame of bin.v1 leave its length right', () => {
  const random = new Random(7)
  const text = '{"t":"subscribe","id":1,"symbols":["A",{"b":[1,null]}]}'
  let edits = 0
  for (let n = 0; n < 2000; n++) {
    const edited = mutateJson(random, text, '[true,{"x":2}]')
    if (edited === undefined) continue
    edits++
    assert.doesNotThrow(() => JSON.parse(edited), edited.slice(0, 200))
  }
  assert.ok(edits > 1000)
  const framed = Uint8Array.of(0x01, text.length, ...bytesOf(text))
  let whole = 0
  for (let n = 0; n < 2000; n++) {
    const [message] = mutate(random, [framed], [framed])
    const reader = new ByteReader(message ?? new Uint8Array())
    try {
      reader.u8()
      parsed(reader.text())
      if (reader.done) whole++
    } catch {
      // An edit of bytes.
    }
  }
  assert.ok(whole > 500, `${whole} of 2000`)
})

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
