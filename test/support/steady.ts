/** Steady Unix time of this process, as the nodes and the SDK keep it: never jumps, fractions of a millisecond. */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now()
}
