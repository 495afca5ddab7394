/**
 * Loaded into a real node before its own code: makes a later version of it, as far as it can be told from outside. It names
 * another version, and everything that it says grows by what docs/protocol.md and the control topic's format let a later
 * version add: members of frames and records, frames and binary kinds that nobody knows yet, longer payloads.
 */
import { grow } from './grow.ts'

grow([
  {
    file: 'server/src/runtime/version.ts',
    text: "(createRequire(import.meta.url)('../../package.json') as { readonly version: string }).version",
    instead: "'99.0.0'",
  },
  {
    file: 'server/src/directory/control-record.ts',
    text: 'JSON.stringify({ v: CONTROL_FORMAT, ...value })',
    instead: 'JSON.stringify({ v: CONTROL_FORMAT, later: { than: [1] }, ...value })',
  },
  {
    file: 'server/src/session/context.ts',
    text: 'feeds: hub.info(),',
    instead: 'feeds: hub.info().map((feed) => ({ ...feed, later: true })),',
  },
  {
    file: 'server/src/session/composer-bin.ts',
    text: 'this.#out.text(JSON.stringify(frame))',
    instead: `this.#out.text(JSON.stringify({ ...frame, later: [null] }))
    this.#out.u8(KIND.json)
    this.#out.text('{"t":"later","ref":1}')
    this.#out.framed(0x3f, Uint8Array.of(1, 2, 3))`,
  },
  {
    file: 'server/src/session/composer-json.ts',
    text: 'this.#push(JSON.stringify(frame))',
    instead: `this.#push(JSON.stringify({ ...frame, later: [null] }))
    this.#push('{"t":"later","ref":1}')`,
  },
  {
    file: 'protocol/src/bin/pulse.ts',
    text: 'if (feedIndex >= 0) writeRows(frame)',
    instead: 'if (feedIndex >= 0) writeRows(frame)\n  payload.varint(4242)',
  },
  {
    file: 'protocol/src/bin/upstream.ts',
    text: 'writer.text(JSON.stringify(frame))',
    instead: 'writer.text(JSON.stringify({ ...frame, later: { than: [1] } }))',
  },
  { file: 'protocol/src/bin/upstream.ts', text: 'writer.u32(frame.digest)', instead: 'writer.u32(frame.digest)\n    writer.u8(7)' },
])
