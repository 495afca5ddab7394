import type { Box } from './layout.ts'

export type Direction = 'up' | 'down' | 'left' | 'right'

/** Sideways counts so much more than ahead, so that keys go straight where they can. */
const SIDEWAYS = 3

/** The box that an arrow key goes to: the nearest one in that direction. */
export function nextBox(boxes: readonly Box[], from: Box, direction: Direction): Box | undefined {
  const across = direction === 'left' || direction === 'right'
  const sign = direction === 'right' || direction === 'down' ? 1 : -1
  let best: { readonly box: Box; readonly distance: number } | undefined
  for (const box of boxes) {
    const dx = box.x + box.width / 2 - (from.x + from.width / 2)
    const dy = box.y + box.height / 2 - (from.y + from.height / 2)
    const [ahead, aside] = across ? [dx * sign, Math.abs(dy)] : [dy * sign, Math.abs(dx)]
    if (ahead < 1) continue
    const distance = ahead + SIDEWAYS * aside
    if (best === undefined || distance < best.distance) best = { box, distance }
  }
  return best?.box
}
