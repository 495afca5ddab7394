import type { Server, Socket } from 'node:net'
import { groupOf, isWithin, plainAddress } from './addresses.ts'

/**
 * For every HTTP server: who says nothing, or does not come to the end of a request, is cut after these. Node looks every
 * 30 s unless it is told otherwise, and timeouts count from one look to the next.
 */
export const HTTP_TIMEOUTS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 500,
} as const

/**
 * Further connections of an address (of IPv6, of its /64) are cut as they come, before anything is read of them.
 * @param max at once; 0: no limit.
 * @param exempt addresses and ranges that are not counted: proxies, who stand for many.
 */
export function capConnections(server: Server, max: number, exempt: readonly string[] = []): void {
  if (max === 0) return
  const open = new Map<string, number>()
  const isExempt = isWithin(exempt)
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '')
    if (isExempt(address)) return
    const group = groupOf(address)
    const count = open.get(group) ?? 0
    if (count >= max) return void socket.destroy()
    open.set(group, count + 1)
    socket.once('close', () => {
      const left = open.get(group)! - 1
      if (left === 0) open.delete(group)
      else open.set(group, left)
    })
  })
}
