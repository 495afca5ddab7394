import { seededRandom } from '../../../packages/server/src/market/random.ts'

/** The same things over and over, each round in another order, for ever; the same for the same seed. */
export function* shuffled<T>(things: readonly T[], seed: number): Generator<T, never> {
  const random = seededRandom(seed)
  for (;;) {
    const left = [...things]
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!
  }
}
