import type { Transport, TransportHandler } from '../../packages/server/src/session/index.ts'
import type { HopMessage } from './format.ts'

/** Notes every message that a sender and a receiver say to each other, in order. */
export class Tap {
  readonly messages: HopMessage[] = []

  /** To be given the transport where a node would be; `accept` is the node's own. */
  over(accept: (transport: Transport) => TransportHandler): (transport: Transport) => TransportHandler {
    return (transport) => {
      const send = transport.send.bind(transport)
      transport.send = (message) => {
        this.#note('sender', message)
        send(message)
      }
      const handler = accept(transport)
      return {
        message: (message) => {
          this.#note('receiver', message)
          handler.message(message)
        },
        unasked: (frames) => handler.unasked?.(frames),
        drained: () => handler.drained(),
        closed: (code, reason) => handler.closed(code, reason),
      }
    }
  }

  #note(from: HopMessage['from'], message: Uint8Array | string): void {
    this.messages.push(typeof message === 'string' ? { from, text: message } : { from, hex: Buffer.from(message).toString('hex') })
  }
}
