/**
 * A gateway's own WebSocket listener, transport and framer, with sessions that give back what they get. Only the largest
 * message is another: the cases send up to 16 MiB, where gateways take 16 KiB.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import type { Sessions, Transport, TransportHandler } from '../../packages/server/src/session/index.ts'
import { listenWebSocket, type StreamListener } from '../../packages/server/src/session/index.ts'
import { silentLogger } from '../../packages/server/src/index.ts'

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
const OFFER = 'Sec-WebSocket-Protocol: pulsewire.json.v1\r\n'

function echo(transport: Transport): TransportHandler {
  return { message: (message) => transport.send(message), drained() {}, closed() {} }
}

/** The cases offer no subprotocol, which a gateway demands: on the way in one is offered for them, on the way back its choice is taken out. */
export class EchoServer implements AsyncDisposable {
  readonly #listener: StreamListener
  readonly #front: Server
  readonly #sockets = new Set<Socket>()

  private constructor(listener: StreamListener) {
    this.#listener = listener
    this.#front = createServer((socket) => this.#lead(socket))
  }

  static async start(): Promise<EchoServer> {
    const sessions = { full: false, accept: echo, turnedAway: {} } as unknown as Sessions
    const server = new EchoServer(
      listenWebSocket({ host: '127.0.0.1', port: 0, messageBytesMax: MESSAGE_BYTES_MAX, sessions, ready: () => true, log: silentLogger }),
    )
    await server.#listener.listen()
    await new Promise<void>((resolve) => server.#front.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    const address = this.#front.address()
    return `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1/stream`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#front.close(() => resolve()))
    await this.#listener.close()
  }

  #lead(socket: Socket): void {
    const inner = connect(this.#listener.port, '127.0.0.1')
    for (const each of [socket, inner]) {
      this.#sockets.add(each)
      // As few waits as without a proxy.
      each.setNoDelay(true)
      each.on('error', () => {})
    }
    const end = () => {
      for (const each of [socket, inner]) {
        this.#sockets.delete(each)
        each.destroy()
      }
    }
    // What was said last still has to get through: only the other direction's end is hard.
    socket.once('close', () => inner.end())
    inner.once('close', () => socket.end())
    socket.once('close', () => setTimeout(end, 1000).unref())
    socket.pipe(head((text) => text.replace('\r\n', `\r\n${OFFER}`))).pipe(inner)
    inner.pipe(head((text) => text.replace(OFFER, ''))).pipe(socket)
  }
}

/** Changes the head of the first message of HTTP; everything behind it passes as it is. */
function head(change: (text: string) => string): Transform {
  let held = Buffer.alloc(0)
  let isOver = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isOver) return done(null, chunk)
      held = Buffer.concat([held, chunk])
      const end = held.indexOf('\r\n\r\n')
      if (end < 0) return done()
      isOver = true
      done(null, Buffer.concat([Buffer.from(change(held.subarray(0, end + 4).toString('latin1')), 'latin1'), held.subarray(end + 4)]))
    },
  })
}
