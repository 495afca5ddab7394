import type { FeedMode, RefusalCode, SubscribeFrame } from '@pulsewire/protocol'
import type { Feed } from '../hub/index.ts'
import type { Rights } from './rights.ts'

/** A subscribe that cannot be taken as a whole. */
export class SubscribeError extends Error {
  readonly code: RefusalCode
  readonly id: number
  constructor(code: RefusalCode, message: string, id: number) {
    super(message)
    this.code = code
    this.id = id
  }
}

/** How the symbols of a subscribe are delivered. @throws SubscribeError where that cannot be had. */
export function deliveryOf(frame: SubscribeFrame, feed: Feed, rights: Rights): FeedMode {
  const delivery = frame.delivery ?? (frame.maxRate === undefined ? feed.options.mode : 'latest')
  if (delivery === 'every' && feed.options.mode === 'latest') {
    throw new SubscribeError(
      'options_invalid',
      `feed ${feed.name} keeps only the latest of each symbol; delivery "every" cannot be had`,
      frame.id,
    )
  }
  if (delivery === 'every' && !rights.givesEvery) throw new SubscribeError('not_entitled', rights.rateMessage, frame.id)
  if (delivery === 'every' && frame.maxRate !== undefined) {
    throw new SubscribeError('options_invalid', 'maxRate conflates, so it goes only with delivery "latest"', frame.id)
  }
  if (delivery === 'latest' && frame.history !== undefined) {
    throw new SubscribeError('options_invalid', 'history replays records, so it goes only with delivery "every"', frame.id)
  }
  return delivery
}

/** A name as it may be shown back: never longer than it makes sense. */
export function shown(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
