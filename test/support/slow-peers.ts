import { connect, type Socket } from 'node:net'

const DRIP_MS = 200

/** One peer that says nothing, one that stops within its request, and one that never comes to its end. Resolves when all of them were cut; a listener that keeps one makes the test time out. */
export async function slowPeersCut(port: number): Promise<void> {
  const idle = open(port)
  const partial = open(port, 'GET /live HTT')
  const dripping = open(port, 'GET /live HTTP/1.1\r\nHost: x\r\nX: ')
  const drip = setInterval(() => dripping.write('y'), DRIP_MS)
  try {
    await Promise.all([idle, partial, dripping].map(closed))
  } finally {
    clearInterval(drip)
    for (const socket of [idle, partial, dripping]) socket.destroy()
  }
}

/** Asks, and waits for the answer, or for being cut. */
export async function dial(port: number): Promise<{ readonly socket: Socket; readonly isServed: boolean }> {
  const socket = open(port, 'GET /live HTTP/1.1\r\nHost: x\r\n\r\n')
  const answered = new Promise<true>((resolve) => socket.once('data', () => resolve(true)))
  return { socket, isServed: await Promise.race([answered, closed(socket).then(() => false)]) }
}

/** Not `once` of node:events, which a reset would make fail. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

function open(port: number, text = ''): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  if (text !== '') socket.write(text)
  return socket
}
