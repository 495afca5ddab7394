/**
 * Loaded into a process of clients before their own code: makes an SDK of a later version of it. It offers version 2 of the
 * protocol first, everything that it says has members and payloads that nobody knows yet, and it greets with a frame of a
 * kind that is new, which a node that does not know it answers with `unknown_frame`.
 */
import { grow } from './grow.ts'

grow([
  {
    file: 'client/src/connection/socket.ts',
    text: 'new WebSocket(url, [...protocols])',
    instead: "new WebSocket(url, ['pulsewire.bin.v2', 'pulsewire.json.v2', ...protocols])",
  },
  {
    file: 'client/src/connection/session.ts',
    text: 'this.#socket?.send(this.#encode(frame))',
    instead: 'this.#socket?.send(this.#encode({ ...frame, later: { than: [1] } } as UpstreamFrame))',
  },
  {
    file: 'client/src/connection/session.ts',
    text: 'this.send(this.#options.hello)',
    instead: "this.send(this.#options.hello)\n    this.send({ t: 'later', ref: 1 } as never)",
  },
  { file: 'protocol/src/bin/upstream.ts', text: 'writer.u32(frame.digest)', instead: 'writer.u32(frame.digest)\n    writer.u8(7)' },
])
