/** Loaded into a real node before its own code: what it connects to on some ports, it reaches on others, as the file says. */
import { readFileSync } from 'node:fs'
import { Socket, type TcpSocketConnectOpts } from 'node:net'

const file = process.env['ROUTES_OF_TEST']!
const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket

function connectElsewhere(this: Socket, ...args: unknown[]): Socket {
  // Node's own callers hand over what they have made sense of already, as one marked array.
  const made = (Array.isArray(args[0]) ? args[0] : args) as [TcpSocketConnectOpts, ...unknown[]]
  const ports = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  const port = ports[made[0].port]
  if (port !== undefined) made[0] = { ...made[0], port }
  return connect.apply(this, args)
}

Socket.prototype.connect = connectElsewhere
