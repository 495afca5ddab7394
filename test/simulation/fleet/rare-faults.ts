import type { Random } from '../world/random.ts'
import { type Draw, type Drawn, type Fleet, LEVEL } from './fault.ts'
import type { WatchedHop } from './taps.ts'

/** A reader of the log that hangs is made anew after 10 s. */
const REBUILT_WITHIN_MS = 12_000

/** Whoever hears nothing gives a connection up within this. */
const SILENCE_FOUND_WITHIN_MS = 8_000
/** Gateways have given up waiting for proof, and its line has shared its partitions among the others. */
const ANNOUNCED_MS = 8_000
/** Longer than the balancer stands still. */
const AWAY_MS = 6_000
/** Somebody changes his mind within this, most likely. */
const SUBSCRIBED_WITHIN_MS = 6_000

/** What two of the other kinds would have to hit at once, or what nothing else leads to. */
export const RARE_KINDS: readonly Draw[] = [hangsForGood, leftWithoutCover, rowKept, forgotten, diesUnseen, fromTheFuture]

/** Its client library has stalled: what is open now brings nothing any more, and says nothing; what is made anew works. */
function hangsForGood({ pushNodes }: Fleet, random: Random): Drawn | undefined {
  const node = random.pick(pushNodes)
  const { log } = node
  if (log === null) return undefined
  return {
    name: `fetches of ${node.id} hang for good`,
    level: LEVEL.fetch,
    touches: [node.id],
    leastMs: REBUILT_WITHIN_MS,
    begin: () => log.stall(),
    end: () => {},
  }
}

/** What one push node was not told is known to the others alone, and then the links to all of these are lost. */
function leftWithoutCover({ world, taps, gateways, pushNodes }: Fleet, random: Random): Drawn | undefined {
  const gateway = random.pick(gateways).id
  const hop = random.pick(openHops(taps.hops).filter(({ options }) => options.receiver === gateway))
  if (hop === undefined) return undefined
  const others = pushNodes.map(({ id }) => id).filter((id) => id !== hop.options.sender)
  const paths = others.flatMap((id) => [world.network.path(gateway, id), world.network.path(id, gateway)])
  let state: 'waits' | 'cut' | 'over' = 'waits'
  const cut = (): void => {
    if (state !== 'waits') return
    state = 'cut'
    for (const id of others) world.network.resetBetween(gateway, id)
    for (const path of paths) path.stall(world.nowMs)
  }
  return {
    name: `${gateway} – ${hop.options.sender}: the next subscribe is lost, then the links to all others`,
    level: LEVEL.link,
    touches: [gateway, ...pushNodes.map(({ id }) => id)],
    leastMs: SUBSCRIBED_WITHIN_MS,
    begin: () => {
      hop.loseNext = true
      hop.lost = () => world.kernel.after(random.between(100, 500), cut)
    },
    end: () => {
      hop.loseNext = false
      hop.lost = null
      if (state === 'cut') for (const path of paths) path.resume()
      state = 'over'
    },
  }
}

/** Both ends have a connection over which nothing comes. One that is opened anew works. */
function forgotten({ world, apps, gateways, pushNodes }: Fleet, random: Random): Drawn {
  const gateway = random.pick(gateways).id
  const isLink = random.chance(0.7)
  const other = random.pick<{ readonly id: string }>(isLink ? pushNodes : apps).id
  const { network } = world
  const fault = { level: isLink ? LEVEL.link : LEVEL.line, touches: [gateway, other], leastMs: SILENCE_FOUND_WITHIN_MS }
  return random.pick<Drawn>([
    {
      ...fault,
      name: `${gateway} – ${other}: their connections are forgotten on the way`,
      begin: () => network.forget(gateway, other),
      end: () => {},
    },
    {
      ...fault,
      name: `${gateway} – ${other}: their connections are reset, and the next one is forgotten as soon as it is open`,
      begin: () => {
        network.forgetNext(gateway, other)
        network.resetBetween(gateway, other)
      },
      end: () => network.forgetNone(gateway, other),
    },
  ])
}

/** A sender says that it has let rows go, and keeps them. Only digests show it. */
function rowKept({ taps }: Fleet, random: Random): Drawn | undefined {
  const hop = random.pick(openHops(taps.hops))
  if (hop === undefined) return undefined
  const { receiver, sender } = hop.options
  return {
    name: `${receiver} – ${sender}: what is unsubscribed next is kept`,
    loses: true,
    level: sender.startsWith('push') ? LEVEL.link : LEVEL.line,
    touches: [receiver, sender],
    begin: () => {
      hop.keepNext = true
    },
    end: () => {
      hop.keepNext = false
    },
  }
}

function openHops(hops: Iterable<WatchedHop>): WatchedHop[] {
  return [...hops].filter(({ monitor }) => monitor.welcome !== null)
}

/** A gateway is killed while a balancer stands still, which has everything else to read when it goes on. */
function diesUnseen({ world, balancers, gateways }: Fleet, random: Random): Drawn | undefined {
  const balancer = random.pick(balancers)
  const gateway = random.pick(gateways)
  if (balancer?.state !== 'up' || gateway.state !== 'up') return undefined
  let isOver = false
  return {
    name: `${gateway.id} is killed while ${balancer.id} is frozen, and restarts`,
    level: LEVEL.gateway,
    touches: [gateway.id, balancer.id],
    leastMs: AWAY_MS,
    begin: () => {
      balancer.freeze()
      world.kernel.after(random.between(0, 500), () => isOver || gateway.kill())
      world.kernel.after(random.between(2_000, 4_000), () => isOver || balancer.thaw())
    },
    end: () => {
      isOver = true
      balancer.thaw()
      if (gateway.state === 'down') gateway.start()
    },
  }
}

/** A push node comes back with a newer generation of every feed in its configuration, until somebody corrects that: the others serve. */
function fromTheFuture({ pushNodes }: Fleet, random: Random): Drawn | undefined {
  const node = random.pick(pushNodes)
  if (node.state !== 'up') return undefined
  const generation = random.int(2, 99)
  const restartAs = (configured: number | null): void => {
    if (node.state !== 'down') node.kill()
    node.generation = configured
    node.start()
  }
  return {
    name: `${node.id} restarts with generation ${generation} configured`,
    level: LEVEL.push,
    touches: [node.id],
    leastMs: ANNOUNCED_MS,
    begin: () => restartAs(generation),
    end: () => restartAs(null),
  }
}
