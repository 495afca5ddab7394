import type { Command } from './commands.ts'
import type { Setting } from './sender-world.ts'

/** Sequences that showed something once, as short as they could be made. Nothing in them is drawn. */
export const REGRESSIONS: readonly { readonly found: string; readonly setting: Setting; readonly commands: readonly Command[] }[] = [
  {
    found: 'a position is answered although the symbol was named again without one before the answer came',
    setting: {
      mode: 'latest',
      codec: 'json',
      merge: false,
      encoding: 'pulsewire.bin.v1',
      bytesPerMs: 4,
      historyRecordsMax: 3,
      pulseIntervalMs: 0,
      noteBytesMax: 450,
      seed: 0,
    },
    commands: [
      { do: 'subscribe', id: 1, symbols: [0], resume: false },
      { do: 'records', symbol: 0, count: 1, deletes: false },
      { do: 'wait', ms: 129 },
      { do: 'subscribe', id: 1, symbols: [0], resume: true },
      { do: 'stall', direction: 'there', ms: 1 },
      { do: 'wait', ms: 0 },
      { do: 'subscribe', id: 1, symbols: [0], resume: false },
      { do: 'wait', ms: 0 },
      { do: 'records', symbol: 0, count: 1, deletes: false },
    ],
  },
  {
    found: 'a symbol is resumed and named twice again in one turn',
    setting: {
      mode: 'latest',
      codec: 'json',
      merge: false,
      encoding: 'pulsewire.bin.v1',
      bytesPerMs: 40,
      historyRecordsMax: 3,
      pulseIntervalMs: 0,
      noteBytesMax: 450,
      seed: 0,
    },
    commands: [
      { do: 'records', symbol: 0, count: 1, deletes: false },
      { do: 'subscribe', id: 1, symbols: [0], resume: false },
      { do: 'wait', ms: 29 },
      { do: 'pulse' },
      { do: 'subscribe', id: 1, symbols: [0], resume: true },
      { do: 'subscribe', id: 1, symbols: [0], resume: false },
      { do: 'subscribe', id: 1, symbols: [0], resume: false },
      { do: 'wait', ms: 0 },
    ],
  },
]
