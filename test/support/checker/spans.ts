/** A stretch of steady time. */
export interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

export function overlapMs(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.untilMs, b.untilMs) - Math.max(a.fromMs, b.fromMs))
}
