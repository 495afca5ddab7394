/** Which gateways a client is given, and in what order: a pure function but for the dice. */

export interface Choice {
  readonly node: string
  readonly zone: string
  /** Part of what the node can hold that is taken, 0 to 1; above that it is full. */
  readonly load: number
  /** How long a client would have to wait before it may connect, in ms. */
  readonly waitMs: number
}

/** A wait that is longer by more than this outweighs any difference in load, and the zone. */
const WAIT_MATTERS_MS = 2000

/**
 * Up to `count` of them, best first. Each is the better of two drawn at random: always taking the least loaded one would send
 * every client of every balancer to the same gateway until the next beat. Those of the client's zone come first; the last
 * place is for another zone, so that a client whose zone is lost knows where to go without asking.
 */
export function choose<C extends Choice>(choices: readonly C[], count: number, zone: string | undefined, random: () => number): C[] {
  const near = zone === undefined ? [] : choices.filter((choice) => choice.zone === zone)
  const far = choices.filter((choice) => !near.includes(choice))
  const fromFar = Math.min(far.length, Math.max(count - near.length, near.length > 0 && count > 1 ? 1 : 0))
  const drawnNear = draw(near, count - fromFar, random)
  const drawnFar = draw(far, fromFar, random)
  // Near is worth a few milliseconds; it is not worth seconds without quotes.
  const isFarSooner = (drawnNear[0]?.waitMs ?? 0) - (drawnFar[0]?.waitMs ?? Infinity) > WAIT_MATTERS_MS
  const chosen = isFarSooner ? [...drawnFar, ...drawnNear] : [...drawnNear, ...drawnFar]
  // A full gateway is better than none, and worse than any other, near or far.
  return [...chosen.filter(hasRoom), ...chosen.filter((choice) => !hasRoom(choice))]
}

function draw<C extends Choice>(choices: readonly C[], count: number, random: () => number): C[] {
  const left = [...choices.filter(hasRoom)]
  const full = [...choices.filter((choice) => !hasRoom(choice))]
  const drawn: C[] = []
  while (drawn.length < count) {
    const pool = left.length > 0 ? left : full
    if (pool.length === 0) break
    const chosen = betterOfTwo(pool, random)
    pool.splice(pool.indexOf(chosen), 1)
    drawn.push(chosen)
  }
  return drawn
}

function betterOfTwo<C extends Choice>(choices: readonly C[], random: () => number): C {
  const first = Math.floor(random() * choices.length)
  const one = choices[first]!
  if (choices.length === 1) return one
  const other = choices[(first + 1 + Math.floor(random() * (choices.length - 1))) % choices.length]!
  if (Math.abs(one.waitMs - other.waitMs) > WAIT_MATTERS_MS) return one.waitMs < other.waitMs ? one : other
  return other.load < one.load ? other : one
}

function hasRoom({ load }: Choice): boolean {
  return load < 1
}
