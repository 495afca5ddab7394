import type { Command } from './commands.ts'
import type { Setting } from './gateway-sequence.ts'

const PLAIN: Setting = {
  shape: 'two nodes',
  mode: 'every',
  merge: false,
  encoding: 'pulsewire.bin.v1',
  historyRecordsMax: 1000,
  pulseIntervalMs: 0,
  seed: 0,
}

/** Sequences that showed something once, as short as they could be made. Nothing in them is drawn but fields of records. */
export const REGRESSIONS: readonly {
  readonly found: string
  /** Test file that shows it without the sequence. */
  readonly keptBy: string
  readonly setting: Setting
  readonly commands: readonly Command[]
}[] = [
  {
    found: 'who was told that there is nothing was not told of a gap before the first record that came',
    keptBy: 'packages/server/src/gateway/every-records.test.ts',
    setting: { ...PLAIN, historyRecordsMax: 3 },
    commands: [
      { do: 'subscribe', id: 1, symbols: [0], resume: false, receiver: 0 },
      { do: 'wait', ms: 400 },
      { do: 'records', symbol: 0, count: 4, deletes: false },
      { do: 'reconnect', receiver: 0 },
      { do: 'subscribe', id: 1, symbols: [0], resume: false, receiver: 0 },
      { do: 'restart', node: 0, historyRecordsMax: 3 },
    ],
  },
  {
    found: 'what a pattern brought and was deleted while no link was there kept the feed stale for ever',
    keptBy: 'packages/server/src/gateway/by-name.test.ts',
    setting: { ...PLAIN, mode: 'latest' },
    commands: [
      { do: 'records', symbol: 0, count: 1, deletes: false },
      { do: 'subscribe', id: 6, symbols: [0], resume: false, receiver: 0 },
      { do: 'wait', ms: 100 },
      { do: 'cut', node: 1 },
      { do: 'cut', node: 0 },
      { do: 'records', symbol: 0, count: 1, deletes: true },
    ],
  },
  {
    found: 'with `maxRate`, a record at the very end of a period waited for a millisecond more than one',
    keptBy: 'packages/server/src/hub/rate-lanes.test.ts',
    setting: { ...PLAIN, mode: 'latest' },
    commands: [
      { do: 'wait', ms: 3418 },
      { do: 'subscribe', id: 1, symbols: [0], resume: false, receiver: 0 },
      { do: 'wait', ms: 827 },
      { do: 'wait', ms: 2505 },
      { do: 'records', symbol: 0, count: 1, deletes: false },
      { do: 'subscribe', id: 3, symbols: [0], resume: false, receiver: 0 },
      { do: 'pulse' },
    ],
  },
]
