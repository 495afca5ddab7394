import { randomInt } from 'node:crypto'
import { createServer, type AddressInfo, type Server } from 'node:net'

/** Below what any system gives to connections by itself (Linux begins at 32768): none takes a port here while its node is down. */
const RANGE = { from: 20_000, to: 32_000 } as const
const DRAWS_MAX = 50

/** Ports for processes that are yet to start. They are held until it is disposed of, so that none is given twice. */
export class PortChoice implements AsyncDisposable {
  readonly #held: Server[] = []

  /** For each name the preferred port when it is free, else one that is; 0 prefers none. */
  async take<Name extends string>(preferred: Readonly<Record<Name, number>>): Promise<Readonly<Record<Name, number>>> {
    const ports: [string, number][] = []
    for (const [name, port] of Object.entries<number>(preferred)) {
      const server = (port === 0 ? undefined : await hold(port)) ?? (await holdAny())
      this.#held.push(server)
      ports.push([name, (server.address() as AddressInfo).port])
    }
    return Object.fromEntries(ports) as Record<Name, number>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#held.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  }
}

/** One that is free. */
export async function anyPort(): Promise<number> {
  await using choice = new PortChoice()
  return (await choice.take({ port: 0 })).port
}

async function holdAny(): Promise<Server> {
  for (let i = 0; i < DRAWS_MAX; i++) {
    const server = await hold(randomInt(RANGE.from, RANGE.to))
    if (server !== undefined) return server
  }
  throw new Error(`no free port: ${DRAWS_MAX} were tried between ${RANGE.from} and ${RANGE.to}; does something else hold them?`)
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server))
  })
}
