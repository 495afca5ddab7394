import { SimProcess } from '../world/process.ts'
import type { Random } from '../world/random.ts'
import type { SimBalancer } from './balancers.ts'
import type { World } from './world.ts'

/** How often, about, somebody asks. */
const ASKED_EVERY_MS = 400
const NEVER = new AbortController().signal

/** The world's other clients: they ask balancers all the time, so that each answer that may be wrong is given. */
export function askBalancers({ kernel, http }: World, balancers: readonly SimBalancer[], random: Random): void {
  if (balancers.length === 0) return
  const fetch = http.fetchFrom(new SimProcess(kernel, 'crowd', 'crowd', { offsetMs: 0, drift: 0 }))
  const ask = () => {
    fetch(`${random.pick(balancers).origin}/v1/gateways`, 0, NEVER).catch(() => {})
    kernel.after(random.exponential(ASKED_EVERY_MS), ask)
  }
  ask()
}
