import type { GatewaysAnswer } from '../../../packages/server/src/balancer/http/schemas.ts'
import type { SimBalancer } from './balancers.ts'
import { type Fleet, LEVEL } from './fault.ts'
import type { Faults } from './faults.ts'
import type { SimGateway } from './nodes.ts'

/** P4: within 3 s a gateway that is not fit is not handed out. */
const EVICTED_WITHIN_MS = 3_000
/** What the words and pulses that tell of it take on their way, a hiccup of the balancer, and its next judgement. */
const TRAVEL_MS = 1_500
/** Whoever was frozen for longer knows it for so long: what it knows is of before. */
const FROZEN_MS = 1_500
const KNOWS_IT_MS = 1_000
/** What waited in its sockets has been read after so long, and for so long it judges nobody. */
const READ_AFTER_MS = 300
const JUDGES_AFTER_MS = 1_450
/** Younger pulses are nothing that a gateway would call old. */
const OLD_MS = 2_000
/** P5: a gateway that had no fault for so long is known to be fit. */
const SOUND_FOR_MS = 15_000

/** Judges each answer of a balancer by what is true of the gateways just then. */
export class HandOutCheck {
  readonly #fleet: Fleet
  readonly #faults: () => Faults

  constructor(fleet: Fleet, faults: () => Faults) {
    this.#fleet = fleet
    this.#faults = faults
  }

  readonly look = (balancer: SimBalancer, answer: GatewaysAnswer | null): void => {
    const { world, gateways } = this.#fleet
    world.trace.say(balancer.id, () => `answers ${answer === null ? 'nobody' : answer.gateways.map(({ node }) => node).join(', ')}`)
    if (answer !== null && !answer.degraded) {
      const { frozenForMs, upSinceMs } = balancer
      if (frozenForMs > FROZEN_MS && world.nowMs - upSinceMs < KNOWS_IT_MS)
        world.report('P4', `${balancer.id} takes what it knew before it was frozen for ${Math.round(frozenForMs)} ms for new`)
      for (const { node } of answer.gateways) {
        const wrong = this.#unfit(balancer, gateways.find(({ id }) => id === node)!)
        if (wrong !== undefined) world.report('P4', `${balancer.id} hands out ${node}, though ${wrong}`)
      }
    }
    if (answer !== null) this.#checkHeard(balancer, answer)
    if (answer !== null && answer.gateways.length > 0) return
    const sound = gateways.find((gateway) => this.#isSound(balancer, gateway))
    if (sound !== undefined) world.report('P5', `${balancer.id} hands out nobody, though nothing has been wrong with ${sound.id}`)
  }

  /** Also a degraded answer of one that stood still prefers whom it has heard since: who was killed meanwhile is none of these. */
  #checkHeard(balancer: SimBalancer, answer: GatewaysAnswer): void {
    const { world, gateways } = this.#fleet
    const { frozenForMs, upSinceMs } = balancer
    const forMs = world.nowMs - upSinceMs
    if (!(frozenForMs > FROZEN_MS) || forMs < READ_AFTER_MS || forMs > JUDGES_AFTER_MS) return
    const given = gateways.filter(({ id }) => answer.gateways.some(({ node }) => node === id))
    const gone = given.find(({ state, downSinceMs }) => state === 'down' && downSinceMs < upSinceMs)
    if (gone === undefined) return
    const frozenAtMs = upSinceMs - frozenForMs
    const faults = this.#faults().sinceOfAll(frozenAtMs - OLD_MS)
    const heard = given.find(
      ({ id, upSinceMs: itsUpSinceMs }) =>
        itsUpSinceMs < frozenAtMs - OLD_MS &&
        !faults.some(({ level, touches }) => touches.includes(id) || touches.length === 0 || level <= LEVEL.link),
    )
    if (heard !== undefined)
      world.report('P4', `${balancer.id} hands out ${gone.id}, which was killed while it was frozen, though it has heard ${heard.id} since`)
  }

  #unfit(balancer: SimBalancer, gateway: SimGateway): string | undefined {
    const { world } = this.#fleet
    const { nowMs } = world
    const forTooLong = (sinceMs: number) => nowMs - sinceMs > EVICTED_WITHIN_MS + TRAVEL_MS
    const since = (sinceMs: number) => `for ${Math.round(nowMs - sinceMs)} ms`
    if (forTooLong(gateway.downSinceMs)) return `it has been ${gateway.state} ${since(gateway.downSinceMs)}`
    if (forTooLong(world.operator.awaySinceMs(gateway.id)))
      return `an operator took it away ${since(world.operator.awaySinceMs(gateway.id))}`
    const cutSinceMs = world.network.path(gateway.id, balancer.id).stalledSinceMs
    if (forTooLong(cutSinceMs)) return `nothing of it has come to ${balancer.id} ${since(cutSinceMs)}`
    if (gateway.state !== 'up' || nowMs - gateway.upSinceMs < SOUND_FOR_MS) return undefined
    const itsNowMs = gateway.process.clock.nowMs()
    for (const { name, freshness } of gateway.node!.hub.feeds) {
      for (const { partition } of freshness.partitions) {
        const ageMs = freshness.ageMs(partition, itsNowMs)
        if (ageMs > OLD_MS + EVICTED_WITHIN_MS + TRAVEL_MS) return `its newest pulse of ${name}/${partition} is ${Math.round(ageMs)} ms old`
      }
    }
    return undefined
  }

  #isSound(balancer: SimBalancer, gateway: SimGateway): boolean {
    const { nowMs, operator } = this.#fleet.world
    const isLong = (sinceMs: number) => nowMs - sinceMs >= SOUND_FOR_MS
    if (!isLong(balancer.upSinceMs) || !isLong(gateway.upSinceMs) || !isLong(operator.hereSinceMs(gateway.id))) return false
    return !this.#faults()
      .sinceOfAll(nowMs - SOUND_FOR_MS)
      .some(({ touches }) => touches.includes(gateway.id) || touches.includes(balancer.id))
  }
}
