import type { Random } from '../world/random.ts'
import type { SimApp } from './app.ts'
import type { SimBalancer } from './balancers.ts'
import type { SimGateway, SimPulse, SimPush } from './nodes.ts'
import type { Taps } from './taps.ts'
import type { World } from './world.ts'

/** How far down the flow something stands: pulses and freshness travel from low to high. */
export const LEVEL = { log: 0, fetch: 0.5, push: 1, link: 1.5, gateway: 2, line: 2.5 } as const

/** Something that is wrong for a while, and what it can make stale. */
export interface Fault {
  readonly name: string
  readonly level: number
  /** The level of the first that it hits; lower than `level` where it hits nodes of several roles. */
  readonly firstLevel: number
  /** Ids of the nodes that it touches; a push node together with a gateway: the link between the two. Empty: everybody. */
  readonly touches: readonly string[]
  /** It excuses nothing that a client is shown: nobody who is served may notice it. */
  readonly harmless: boolean
  /** It takes one frame from a session, or one row, and nothing else. */
  readonly loses: boolean
  readonly fromMs: number
  /** `Infinity` while it lasts. */
  untilMs: number
}

export interface Fleet {
  readonly world: World
  readonly taps: Taps
  readonly pulses: readonly SimPulse[]
  readonly pushNodes: readonly SimPush[]
  readonly gateways: readonly SimGateway[]
  /** None in a fleet that is not led. */
  readonly balancers: readonly SimBalancer[]
  readonly apps: readonly SimApp[]
}

/** One that is about to begin. */
export interface Drawn {
  readonly name: string
  readonly level: number
  readonly firstLevel?: number
  readonly touches: readonly string[]
  readonly harmless?: boolean
  readonly loses?: boolean
  /** It lasts so long at least. */
  readonly leastMs?: number
  begin(): void
  end(): void
}

/** `undefined`: there is nothing now that it could hit. */
export type Draw = (fleet: Fleet, random: Random) => Drawn | undefined

export type Kinds = readonly (readonly [weight: number, draw: Draw])[]
