import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { decodeControl, type ControlRecord } from '../../../packages/server/src/directory/control-record.ts'
import { decodePulse, encodePulse } from '../../../packages/server/src/feeds/index.ts'
import type { LogAppend } from '../../../packages/server/src/log/index.ts'
import { encodeAgain } from '../../support/control-records.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import { assertSame } from '../engine/same.ts'
import type { Target } from '../engine/target.ts'

const VECTORS = new URL('../../../packages/server/src/directory/control-records.vectors.json', import.meta.url)

/** The control topic: leases, operators' words, catalogue, revocations, grey release. Key and value are a message each. */
const controlRecords: Target = {
  name: 'records of the control topic',
  weight: 16,
  seeds: controlSeeds(),
  run: (input) => {
    for (let at = 0; at + 1 < input.length; at += 2) {
      const read = decodeControl(input[at]!, input[at + 1]!.length === 0 ? null : input[at + 1]!)
      if (read.kind === 'ignored') assert.ok(read.key.length <= 100 && read.problem.length < 1000, read.problem)
      else assertSame(again(read), read)
    }
  },
}

const pulseRecords: Target = {
  name: 'pulse records',
  weight: 8,
  seeds: [
    [
      bytesOf(
        encodePulse(0, { writer: 'pulse-1', life: 1_763_999_999_999, sequence: 7, generation: 2, atMs: 1_764_000_000_000, to: 3 })
          .value as string,
      ),
    ],
  ],
  run: (input) => {
    for (const value of input) {
      const pulse = decodePulse(value)
      if (pulse === undefined) continue
      assert.ok(Number.isSafeInteger(pulse.sequence) && Number.isFinite(pulse.atMs))
      assertSame(decodePulse(bytesOf(encodePulse(0, pulse).value as string)), pulse)
    }
  },
}

export const records: readonly Target[] = [controlRecords, pulseRecords]

function controlSeeds(): Input[] {
  const { records } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { records: readonly { key: string; value: string | null }[] }
  return records.map(({ key, value }) => [bytesOf(key), bytesOf(value ?? '')])
}

function again(read: Exclude<ControlRecord, { kind: 'ignored' }>): ControlRecord {
  const { key, value } = encodeAgain(read)
  const bytes = (data: LogAppend['value']) => (typeof data === 'string' ? bytesOf(data) : data)
  return decodeControl(bytes(key), bytes(value))
}
