import type { Random } from '../world/random.ts'
import type { SimApp } from './app.ts'
import { type Draw, type Drawn, type Fault, type Fleet, type Kinds, LEVEL } from './fault.ts'
import type { SimNode, SimPulse } from './nodes.ts'
import { RARE_KINDS } from './rare-faults.ts'
import type { World } from './world.ts'
import { ZONES } from './zones.ts'

/** Nobody asks for what was longer ago. */
const ASKED_FOR_MS = 60_000
/** Of fleets, that have one of the rare kinds. */
const RARE_SHARE = 0.3

const KINDS: Kinds = [
  [3, ({ pushNodes }, random) => nodeFault(random, random.pick(pushNodes), LEVEL.push)],
  [3, ({ gateways }, random) => nodeFault(random, random.pick(gateways), LEVEL.gateway)],
  [1, ({ pulses }, random) => nodeFault(random, random.pick(pulses), LEVEL.log)],
  [1, ({ pulses }) => allPulses(pulses)],
  [1, (fleet) => logGone(fleet)],
  [2, (fleet, random) => logOfOne(fleet, random)],
  [1, (fleet, random) => recordsLeftOut(fleet, random)],
  [1, (fleet, random) => partitionPaused(fleet, random)],
  [3, (fleet, random) => linkFault(fleet, random)],
  [3, (fleet, random) => lineFault(fleet, random)],
  [2, (fleet, random) => slowApp(fleet, random)],
  [2, (fleet, random) => messageLost(fleet, random)],
  [1, (fleet, random) => rowLost(fleet, random)],
  [1, ({ apps }, random) => frozenApp(random.pick(apps))],
]

/** Of leases, words and balancers. */
const LED_KINDS: Kinds = [
  [3, ({ balancers }, random) => harmless(nodeFault(random, random.pick(balancers), LEVEL.gateway))],
  [3, (fleet, random) => toldAway(fleet, random)],
  [2, ({ gateways }, random) => leaseCut(random.pick(gateways))],
  [1, ({ balancers }, random) => leaseCut(random.pick(balancers))],
  [2, (fleet, random) => harmless(pathFault(fleet, random, random.pick(fleet.balancers).id, random.pick(fleet.gateways).id, LEVEL.line))],
]

/** Of fleets in two data centres. */
const ZONE_KINDS: Kinds = [[6, (fleet, random) => zoneLost(fleet, random)]]

/** Draws faults and keeps account of them. */
export class Faults {
  readonly faults: Fault[] = []
  /** Those that anybody may still ask for. */
  #young: Fault[] = []
  readonly #fleet: Fleet
  readonly #random: Random
  readonly #kinds: Draw[]

  /**
   * @param rare draws whether there are any of the kinds that take a rare coincidence; a sequence of its own.
   * @param isLong there is time for all of these.
   */
  constructor(fleet: Fleet, random: Random, rare: Random, isLong: boolean) {
    this.#fleet = fleet
    this.#random = random
    // A scenario has few kinds, so that some have nothing but a lost gateway, and that often.
    const { isLed, hasZones } = fleet.world
    const kinds = [...KINDS, ...(isLed ? LED_KINDS : []), ...(hasZones ? ZONE_KINDS : [])]
    const all = kinds.flatMap(([weight, draw]) => Array.from({ length: weight }, () => draw))
    this.#kinds = random.sample(all, random.int(1, 4))
    if (rare.chance(RARE_SHARE)) this.#kinds[0] = isLong ? (...given) => rare.pick(RARE_KINDS)(...given) : rare.pick(RARE_KINDS)
  }

  /** Lets one begin now and end some time before `untilMs`. */
  strike(untilMs: number): void {
    const { world } = this.#fleet
    const drawn = this.#random.pick(this.#kinds)(this.#fleet, this.#random)
    if (drawn === undefined) return
    const { name, level, firstLevel = level, touches, harmless = false, loses = false, leastMs = 0 } = drawn
    const fault: Fault = { name, level, firstLevel, touches, harmless, loses, fromMs: world.nowMs, untilMs: Infinity }
    this.faults.push(fault)
    this.#young = [...this.#young.filter(({ untilMs }) => untilMs >= world.nowMs - ASKED_FOR_MS), fault]
    world.trace.say('FAULT', () => `${name} begins`)
    const disturbs = level <= LEVEL.link && !harmless
    if (disturbs) world.disturb(1)
    drawn.begin()
    world.kernel.after(Math.min(Math.max(this.#random.logBetween(100, 12_000), leastMs), untilMs - world.nowMs), () => {
      world.trace.say('FAULT', () => `${name} ends`)
      fault.untilMs = world.nowMs
      if (disturbs) world.disturb(-1)
      drawn.end()
    })
  }

  /** Faults that were there at some time since, and may have been noticed by clients. */
  since(atMs: number): Fault[] {
    return this.sinceOfAll(atMs).filter(({ harmless }) => !harmless)
  }

  /** Also those that no client may notice. */
  sinceOfAll(atMs: number): Fault[] {
    return this.#young.filter(({ untilMs }) => untilMs >= atMs)
  }
}

function nodeFault(random: Random, node: SimNode, level: number): Drawn | undefined {
  if (node.state !== 'up') return undefined
  const touches = [node.id]
  const restart = () => {
    if (node.state === 'down') node.start()
  }
  return random.pick<Drawn>([
    { name: `${node.id} freezes`, level, touches, begin: () => node.freeze(), end: () => node.thaw() },
    { name: `${node.id} freezes, is killed and restarts`, level, touches, begin: () => node.freeze(), end: () => node.restart() },
    { name: `${node.id} is killed and restarts`, level, touches, begin: () => node.kill(), end: restart },
    { name: `${node.id} loses its power and restarts`, level, touches, begin: () => node.vanish(), end: restart },
    {
      name: `${node.id} leaves and restarts`,
      level,
      touches,
      begin: () => node.stop(random.int(0, 5000)),
      end: () => {
        // Also one that another fault has frozen meanwhile: it would go on leaving when that is over, and stay away for ever.
        if (node.state !== 'down') node.kill()
        restart()
      },
    },
  ])
}

/** Everything in one data centre stops at once, whatever is up there; the other serves all. */
function zoneLost({ pulses, pushNodes, gateways, balancers }: Fleet, random: Random): Drawn | undefined {
  const zone = random.pick(ZONES)
  const nodes = [...pulses, ...pushNodes, ...gateways, ...balancers].filter((node) => node.zone === zone && node.state === 'up')
  if (nodes.length === 0) return undefined
  // Pulse writers and push nodes are among them: what it makes stale may be laid to any of these.
  const fault = { level: LEVEL.gateway, firstLevel: LEVEL.log, touches: nodes.map(({ id }) => id) }
  const restart = () => nodes.forEach((node) => node.state === 'down' && node.start())
  return random.pick<Drawn>([
    {
      ...fault,
      name: `zone ${zone} freezes`,
      begin: () => nodes.forEach((node) => node.freeze()),
      end: () => nodes.forEach((node) => node.thaw()),
    },
    { ...fault, name: `zone ${zone} is killed and restarts`, begin: () => nodes.forEach((node) => node.kill()), end: restart },
    { ...fault, name: `zone ${zone} loses its power and restarts`, begin: () => nodes.forEach((node) => node.vanish()), end: restart },
  ])
}

function harmless(drawn: Drawn | undefined): Drawn | undefined {
  return drawn === undefined ? undefined : { ...drawn, harmless: true }
}

/** An operator takes a node away, and brings it back. Clients of a gateway are asked to move before anything is lost. */
function toldAway({ world, gateways, pushNodes }: Fleet, random: Random): Drawn | undefined {
  const isGateway = random.chance(0.6)
  const { id } = random.pick<SimNode>(isGateway ? gateways : pushNodes)
  const word = random.pick(['offline', 'draining'] as const)
  return {
    name: `an operator says ${id} is ${word}`,
    level: isGateway ? LEVEL.gateway : LEVEL.push,
    touches: [id],
    begin: () => world.operator.say(id, word),
    end: () => world.operator.say(id, 'online'),
  }
}

/** Its lease ends, and it hears nothing of others; what it serves it goes on serving. */
function leaseCut({ id, log }: SimNode): Drawn | undefined {
  if (log === null) return undefined
  return {
    name: `${id} cannot reach the log`,
    level: LEVEL.gateway,
    touches: [id],
    harmless: true,
    begin: () => log.setReachable(false),
    end: () => log.setReachable(true),
  }
}

function allPulses(pulses: readonly SimPulse[]): Drawn | undefined {
  if (pulses.some(({ state }) => state !== 'up')) return undefined
  return {
    name: 'all pulse writers freeze',
    level: LEVEL.log,
    touches: [],
    begin: () => pulses.forEach((pulse) => pulse.freeze()),
    end: () => pulses.forEach((pulse) => pulse.thaw()),
  }
}

function logGone({ world }: Fleet): Drawn {
  return {
    name: 'the log is gone',
    level: LEVEL.log,
    touches: [],
    begin: () => world.log.setReachable(false),
    end: () => world.log.setReachable(true),
  }
}

function logOfOne({ pushNodes }: Fleet, random: Random): Drawn | undefined {
  const node = random.pick(pushNodes)
  const { log } = node
  if (log === null) return undefined
  return random.chance(0.5)
    ? {
        name: `${node.id} cannot reach the log`,
        level: LEVEL.fetch,
        touches: [node.id],
        begin: () => log.setReachable(false),
        end: () => log.setReachable(true),
      }
    : { name: `fetches of ${node.id} hang`, level: LEVEL.fetch, touches: [node.id], begin: () => log.stall(), end: () => log.resume() }
}

/** Row 14: the log client of one node leaves records out and says nothing. */
function recordsLeftOut({ pushNodes }: Fleet, random: Random): Drawn | undefined {
  const node = random.pick(pushNodes)
  const { log } = node
  if (log === null) return undefined
  const share = random.between(0.02, 0.3)
  return {
    name: `the log client of ${node.id} leaves out ${Math.round(share * 100)} % of the records`,
    level: LEVEL.fetch,
    touches: [node.id],
    begin: () => log.leaveOut(share),
    end: () => log.leaveOut(0),
  }
}

function partitionPaused({ world }: Fleet, random: Random): Drawn {
  const { config, partitions } = random.pick(world.feeds)
  const partition = random.int(0, partitions - 1)
  return {
    name: `${config.topic}/${partition} is not delivered`,
    level: LEVEL.log,
    touches: [],
    begin: () => world.log.pauseDelivery(config.topic, partition),
    end: () => world.log.resumeDelivery(config.topic, partition),
  }
}

function linkFault(fleet: Fleet, random: Random): Drawn {
  const gateway = random.pick(fleet.gateways).id
  const push = random.pick(fleet.pushNodes).id
  return pathFault(fleet, random, gateway, push, LEVEL.link)
}

function lineFault(fleet: Fleet, random: Random): Drawn {
  return pathFault(fleet, random, random.pick(fleet.apps).id, random.pick(fleet.gateways).id, LEVEL.line)
}

function pathFault({ world }: Fleet, random: Random, receiver: string, sender: string, level: number): Drawn {
  const there = world.network.path(receiver, sender)
  const back = world.network.path(sender, receiver)
  const touches = [receiver, sender]
  const stalled = (paths: readonly (typeof there)[], what: string): Drawn => ({
    name: `${receiver} – ${sender}: ${what}`,
    level,
    touches,
    begin: () => paths.forEach((path) => path.stall(world.nowMs)),
    end: () => paths.forEach((path) => path.resume()),
  })
  switch (random.int(0, 4)) {
    case 0:
      return stalled([there, back], 'nothing arrives either way')
    case 1:
      return stalled([there], `nothing arrives at ${sender}`)
    case 2:
      return stalled([back], `nothing arrives at ${receiver}`)
    case 3:
      return {
        name: `${receiver} – ${sender}: connections are reset`,
        level,
        touches,
        begin: () => world.network.resetBetween(receiver, sender),
        end: () => {},
      }
    default:
      return slow(`${receiver} – ${sender}: slow line`, back, random, level, touches)
  }
}

function slow(name: string, path: ReturnType<World['network']['path']>, random: Random, level: number, touches: readonly string[]): Drawn {
  const burden = { bytesPerMs: random.logBetween(0.5, 20), delayMs: random.logBetween(1, 800) }
  return { name, level, touches, begin: () => path.burden(burden), end: () => path.relieve(burden) }
}

function slowApp(fleet: Fleet, random: Random): Drawn {
  const app = random.pick(fleet.apps).id
  const gateway = random.pick(fleet.gateways).id
  return slow(`${app} – ${gateway}: slow line`, fleet.world.network.path(gateway, app), random, LEVEL.line, [app, gateway])
}

/** F4: a message that (un)subscribes is lost on its way, although the connection lives. */
function messageLost({ taps }: Fleet, random: Random): Drawn | undefined {
  const hop = random.pick([...taps.hops].filter(({ monitor }) => monitor.welcome !== null))
  if (hop === undefined) return undefined
  const { receiver, sender } = hop.options
  const inner = sender.startsWith('push')
  return {
    name: `${receiver} – ${sender}: the next subscribe is lost`,
    loses: true,
    level: inner ? LEVEL.link : LEVEL.line,
    touches: [receiver, sender],
    begin: () => {
      hop.loseNext = true
    },
    end: () => {
      hop.loseNext = false
    },
  }
}

/** One end forgets a row, or never heard of it. */
function rowLost({ taps }: Fleet, random: Random): Drawn | undefined {
  const hop = random.pick([...taps.hops].filter(({ monitor }) => monitor.welcome !== null))
  if (hop === undefined) return undefined
  const { receiver, sender } = hop.options
  return {
    name: `${receiver} – ${sender}: the next row of a pattern is lost`,
    loses: true,
    level: sender.startsWith('push') ? LEVEL.link : LEVEL.line,
    touches: [receiver, sender],
    begin: () => {
      hop.loseNextRow = true
    },
    end: () => {
      hop.loseNextRow = false
    },
  }
}

function frozenApp(app: SimApp): Drawn | undefined {
  if (app.process.state !== 'running') return undefined
  return { name: `${app.id} freezes`, level: LEVEL.line, touches: [app.id], begin: () => app.freeze(), end: () => app.thaw() }
}
