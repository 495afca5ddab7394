import { once } from 'node:events'
import WebSocket from 'ws'
import { BreakRefused, type Break } from './break.ts'
import type { Story } from './story.ts'

const CONNECT_MS_MAX = 3000
const LOOK_INTERVAL_MS = 1000
/** As whom `pulsewire sessions` and `trace` find it. */
const USER = 'slow-client'
/** By then the gateway has cut it. */
const HEALS_AFTER_MS = 40_000

/** A client of its own that subscribes to everything, and then reads nothing more from its socket. */
export function slowClient(gateways: ReadonlyMap<string, string>, story: Story): Break {
  return {
    id: 'slow',
    title: 'Slow a client',
    does: 'One that takes all stops reading.',
    watch: 'It gets conflated images, is told so, and is cut in the end. It costs nobody else anything.',
    targets: [...gateways.keys()],
    act: 'Slow',
    undo: 'End it',
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      const socket = new WebSocket(`${gateways.get(target)}/v1/stream`, 'pulsewire.json.v1', { handshakeTimeout: CONNECT_MS_MAX })
      // Being cut is what is waited for.
      socket.on('error', () => {})
      try {
        await once(socket, 'open', { signal: AbortSignal.timeout(CONNECT_MS_MAX) })
      } catch {
        throw new BreakRefused(`${target} takes no client now`)
      }
      socket.send(JSON.stringify([{ t: 'hello', client: 'slow-client/1', user: USER }]))
      socket.send(JSON.stringify([{ t: 'subscribe', id: 1, feed: 'quote', patterns: ['*'] }]))
      await once(socket, 'message', { signal: AbortSignal.timeout(CONNECT_MS_MAX) })
      socket.pause()
      story.tell(`a client of ${target} reads nothing any more: user ${USER}`, 'plain', target)
      // Who does not read notices only by writing that it was cut.
      const healed = once(socket, 'close').then(() => {})
      const looking = setInterval(() => socket.ping(() => {}), LOOK_INTERVAL_MS)
      return {
        healed,
        end: () => {
          clearInterval(looking)
          socket.terminate()
          story.tell(`the slow client of ${target} is gone`, 'plain', target)
        },
      }
    },
  }
}
