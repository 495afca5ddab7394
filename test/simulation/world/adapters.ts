/** The seams of the real code, answered by the simulated network. */
import type { OpenSocket } from '@pulsewire/client'
import { ENCODINGS, type Encoding } from '@pulsewire/protocol'
import type { ConnectLink } from '../../../packages/server/src/gateway/index.ts'
import type { ListenStream } from '../../../packages/server/src/session/index.ts'
import type { EndpointHandler } from './connection.ts'
import type { Network } from './network.ts'
import type { Data } from './pipe.ts'
import type { SimProcess } from './process.ts'

/** Sees what a receiver of a hop sends and is sent, at the receiver. */
export interface HopTap {
  opened(encoding: Encoding): void
  /** The receiver sends. @returns false when the message shall be lost on its way. */
  sent(data: Data): boolean
  /** Before the receiver is given the message. @returns what it is given. */
  arriving(data: Data): Data
  /** After the receiver has handled it. */
  arrived(): void
  closed(): void
}

export type MakeTap = (process: SimProcess, address: string) => HopTap

const HANDSHAKE_TIMEOUT_MS = 3000

/** Takes sessions as `StreamServer` does. */
export function listenOn(network: Network, process: SimProcess, address: string): ListenStream {
  return ({ ready, sessions }) => {
    let accepting = true
    const listener = {
      process,
      accept: (endpoint, protocols) => {
        if (!accepting || !ready()) return { refused: 'Unexpected server response: 503 (this node takes no sessions now)' }
        if (sessions.full) return { refused: 'Unexpected server response: 503 (this node is full)' }
        const encoding = protocols.find((name): name is Encoding => (ENCODINGS as readonly string[]).includes(name))
        if (encoding === undefined) return { refused: 'Unexpected server response: 400' }
        const transport = {
          encoding,
          remote: address,
          get bufferedBytes() {
            return endpoint.bufferedBytes
          },
          send: (data: Data) => endpoint.send(data),
          close: (code: number, reason: string) => endpoint.close(code, reason),
        }
        return { protocol: encoding, handler: sessions.accept(transport) }
      },
    } satisfies Parameters<Network['listen']>[1]
    return {
      port: 1,
      listen: async () => network.listen(address, listener),
      stopAccepting: () => {
        accepting = false
      },
      close: async () => network.unlisten(address, listener),
    }
  }
}

/** Connects a gateway's links as `connectWebSocket` does. */
export function connectLinks(network: Network, process: SimProcess, makeTap: MakeTap): ConnectLink {
  return (address, events) => {
    const tap = makeTap(process, address)
    let over = false
    const end = (why: string) => {
      if (over) return
      over = true
      deadline.cancel()
      tap.closed()
      events.closed(why)
    }
    const deadline = process.clock.after(HANDSHAKE_TIMEOUT_MS, () => {
      endpoint.drop()
      end('Opening handshake has timed out')
    })
    const endpoint = network.connect(process, address, [ENCODINGS[0]], {
      opened: (protocol) => {
        deadline.cancel()
        tap.opened(protocol as Encoding)
        events.opened()
      },
      ...tapped(tap, (data) => events.message(data)),
      closed: (code, reason) => end(reason || `closed with ${code}`),
    })
    return {
      send: (data) => {
        if (tap.sent(data)) endpoint.send(data)
      },
      drop: () => {
        over = true
        deadline.cancel()
        tap.closed()
        endpoint.drop()
      },
    }
  }
}

/** Sockets of the SDK, as the platform's WebSocket gives them. */
export function openSockets(network: Network, process: SimProcess, makeTap: MakeTap): OpenSocket {
  return (url, protocols, events) => {
    const address = new URL(url).origin
    const tap = makeTap(process, address)
    let open = false
    const endpoint = network.connect(process, address, protocols, {
      opened: (protocol) => {
        open = true
        tap.opened(protocol as Encoding)
        events.onOpen(protocol)
      },
      ...tapped(tap, (data) => events.onMessage(data)),
      closed: (code, reason) => {
        open = false
        tap.closed()
        events.onClose(code, reason)
      },
    })
    return {
      send: (data) => {
        if (open && tap.sent(data)) endpoint.send(data)
      },
      close: (code, reason) => {
        tap.closed()
        endpoint.close(code, reason)
      },
    }
  }
}

function tapped(tap: HopTap, message: (data: Data) => void): Pick<EndpointHandler, 'message' | 'drained'> {
  return {
    message: (data) => {
      message(tap.arriving(data))
      tap.arrived()
    },
    drained: () => {},
  }
}
