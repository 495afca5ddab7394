import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Encoding } from '@pulsewire/protocol'
import { WebSocketServer } from 'ws'
import { FakeConnection, FakeGateway, FakeLog } from './fake-gateway.ts'

/** A scripted gateway behind a real socket. */
export class SocketGateway extends FakeGateway implements AsyncDisposable {
  readonly #server: WebSocketServer
  readonly #timer: NodeJS.Timeout

  private constructor(node: string, log: FakeLog, server: WebSocketServer) {
    super(node, log, { nowMs: () => performance.timeOrigin + performance.now() })
    this.#server = server
    this.#timer = setInterval(() => this.pulse(), 50)
    server.on('connection', (socket) => {
      const connection = new FakeConnection(this, '', socket.protocol as Encoding, {
        onOpen: () => {},
        onMessage: (data) => socket.send(data),
        onClose: (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
      })
      this.connections.push(connection)
      socket.on('message', (data: Buffer, binary) => connection.receive(binary ? new Uint8Array(data) : data.toString()))
      socket.on('close', (code) => connection.closedByClient(code))
    })
  }

  static async start(node: string, log: FakeLog, encoding: Encoding): Promise<SocketGateway> {
    const handleProtocols = (offered: Set<string>) => offered.has(encoding) && encoding
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/v1/stream', handleProtocols })
    await once(server, 'listening')
    return new SocketGateway(node, log, server)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
