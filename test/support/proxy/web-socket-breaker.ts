import type { ByteFilter } from './pipe.ts'

/**
 * What a network does to WebSocket; to all other HTTP it does nothing.
 * - `strips`: takes the `Upgrade` header away, as a proxy does that knows nothing of it.
 * - `hangs`: lets the upgrade disappear.
 * - `swallows`: lets the upgrade through, and nothing after it.
 * - `mangles`: lets the upgrade through, and spoils every frame after it, so that the connection ends at once.
 */
export type Breakage = 'none' | 'strips' | 'hangs' | 'swallows' | 'mangles'

const NOTHING = Buffer.alloc(0)

/** Makes a `TcpProxy` one that breaks WebSocket: pass `filters` to it. May be told otherwise at any time, for connections to come. */
export class WebSocketBreaker {
  breakage: Breakage
  /** Upgrades that came by. */
  upgrades = 0
  /** Streams of events that were asked for. */
  streams = 0

  constructor(breakage: Breakage) {
    this.breakage = breakage
  }

  readonly filters = (): { readonly up: ByteFilter; readonly down: ByteFilter } => {
    let broken: Breakage | null = null
    let hasAnswered = false
    const up = (chunk: Buffer): Buffer => {
      if (broken === 'hangs' || broken === 'swallows') return NOTHING
      if (broken === 'mangles') return Buffer.alloc(chunk.length, 0xff)
      const text = chunk.toString('latin1')
      if (/^GET [^\n]*\n(?:[^\n]+\n)*accept: text\/event-stream/im.test(text)) this.streams++
      if (!/^upgrade: *websocket/im.test(text)) return chunk
      this.upgrades++
      if (this.breakage === 'none') return chunk
      broken = this.breakage
      if (broken === 'hangs') return NOTHING
      if (broken !== 'strips') return chunk
      broken = null
      return Buffer.from(text.replace(/^upgrade:[^\n]*\n/im, '').replace(/^connection:[^\n]*\n/im, ''), 'latin1')
    }
    const down = (chunk: Buffer): Buffer => {
      if (broken !== 'swallows') return chunk
      if (hasAnswered) return NOTHING
      hasAnswered = true
      const end = chunk.indexOf('\r\n\r\n')
      return chunk.subarray(0, end + 4)
    }
    return { up: { push: up }, down: { push: down } }
  }
}
