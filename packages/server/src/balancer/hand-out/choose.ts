/** Which gateways a client is given, and in what order: a pure function but for the dice. */
import type { Pools } from './pools.ts'

export interface Choice {
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
 *
 * @param weigh called for those alone that are drawn: with a thousand gateways an answer costs what it costs with ten.
 */
export function choose<G, C extends Choice>({ near, far }: Pools<G>, count: number, weigh: (gateway: G) => C, random: () => number): C[] {
  const fromFar = Math.min(far.length, Math.max(count - near.length, near.length > 0 && count > 1 ? 1 : 0))
  const drawnNear = draw(near, count - fromFar, weigh, random)
  const drawnFar = draw(far, fromFar, weigh, random)
  // Near is worth a few milliseconds; it is not worth seconds without quotes.
  const isFarSooner = (drawnNear[0]?.waitMs ?? 0) - (drawnFar[0]?.waitMs ?? Infinity) > WAIT_MATTERS_MS
  const chosen = isFarSooner ? [...drawnFar, ...drawnNear] : [...drawnNear, ...drawnFar]
  // A full gateway is better than none, and worse than any other, near or far.
  return [...chosen.filter(hasRoom), ...chosen.filter((choice) => !hasRoom(choice))]
}

/** A gateway that was drawn, and where it stood. */
interface Drawn<G, C> {
  readonly gateway: G
  readonly index: number
  readonly choice: C
}

function draw<G, C extends Choice>(gateways: readonly G[], count: number, weigh: (gateway: G) => C, random: () => number): C[] {
  const left = gateways.slice()
  const full: C[] = []
  const drawn: C[] = []
  while (drawn.length < count) {
    const one = take(left, () => Math.floor(random() * left.length), weigh, full)
    if (one === null) break
    const other = take(left, () => (one.index + Math.floor(random() * left.length)) % left.length, weigh, full)
    if (other === null) {
      drawn.push(one.choice)
      continue
    }
    if (better(one.choice, other.choice) === one.choice) {
      drawn.push(one.choice)
      left.splice(other.index, 0, other.gateway)
    } else {
      drawn.push(other.choice)
      left.splice(one.index - (other.index < one.index ? 1 : 0), 0, one.gateway)
    }
  }
  // Nobody has room any more: all of them are known by now.
  while (drawn.length < count && full.length > 0) {
    const [one] = full.splice(Math.floor(random() * full.length), 1)
    const other = full.length === 0 ? undefined : full[Math.floor(random() * full.length)]!
    const winner = other === undefined ? one! : better(one!, other)
    if (winner !== one) full.splice(full.indexOf(winner), 1, one!)
    drawn.push(winner)
  }
  return drawn
}

/** Takes one that has room out of `left`; full ones that it meets go over into `full`. `null`: there is none. */
function take<G, C extends Choice>(left: G[], pick: () => number, weigh: (gateway: G) => C, full: C[]): Drawn<G, C> | null {
  while (left.length > 0) {
    const index = pick()
    const [gateway] = left.splice(index, 1) as [G]
    const choice = weigh(gateway)
    if (hasRoom(choice)) return { gateway, index, choice }
    full.push(choice)
  }
  return null
}

function better<C extends Choice>(one: C, other: C): C {
  if (Math.abs(one.waitMs - other.waitMs) > WAIT_MATTERS_MS) return one.waitMs < other.waitMs ? one : other
  return other.load < one.load ? other : one
}

function hasRoom({ load }: Choice): boolean {
  return load < 1
}
