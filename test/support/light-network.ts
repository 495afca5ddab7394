/**
 * Sockets and requests that let thousands of clients live in one process. Node's own `WebSocket` and `fetch` take much
 * more CPU for it, on a machine whose cores the nodes under test need as well; apps have machines of their own.
 */
import { Agent, get, type IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'

/** Before the five seconds after which a balancer drops who asks nothing. */
const IDLE_MS = 4_000

class LightWebSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false })
  }
}

/** From now on clients of this process use them: the platform's are replaced. */
export function useLightNetwork(): void {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS })
  const whole = globalThis.fetch
  globalThis.WebSocket = LightWebSocket as unknown as typeof globalThis.WebSocket
  // Only what balancers are asked: HTTP streams have to be the platform's.
  globalThis.fetch = (input, init) =>
    typeof input === 'string' && new URL(input).pathname === '/v1/gateways' ? ask(input, agent, init?.signal) : whole(input, init)
}

function ask(url: string, agent: Agent, signal: AbortSignal | null | undefined): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const options = signal === null || signal === undefined ? { agent } : { agent, signal }
  get(url, options, (message) => {
    message.once('error', reject)
    read(message).then(resolve, reject)
  }).once('error', reject)
  return promise
}

async function read(message: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return new Response(Buffer.concat(chunks), { status: message.statusCode! })
}
