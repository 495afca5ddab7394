/** Gateways as a client of one zone sees them. */
export interface Pools<G> {
  readonly near: readonly G[]
  readonly far: readonly G[]
}

/** Gateways by zone, sorted anew only when there is another list of them: a balancer answers far more often than it judges. */
export class ZonePools<G> {
  readonly #zoneOf: (gateway: G) => string
  #gateways: readonly G[] = []
  #near = new Map<string, G[]>()
  /** Made when a client of the zone first asks. */
  readonly #pools = new Map<string, Pools<G>>()

  constructor(zoneOf: (gateway: G) => string) {
    this.#zoneOf = zoneOf
  }

  /** @param gateways the same list as before as long as nothing in it has changed. */
  of(gateways: readonly G[], zone: string | undefined): Pools<G> {
    if (gateways !== this.#gateways) this.#sort(gateways)
    const near = zone === undefined ? undefined : this.#near.get(zone)
    // Zones are what clients say: only those in which there is a gateway are remembered.
    if (zone === undefined || near === undefined) return { near: [], far: gateways }
    let pools = this.#pools.get(zone)
    if (pools === undefined) this.#pools.set(zone, (pools = { near, far: gateways.filter((gateway) => this.#zoneOf(gateway) !== zone) }))
    return pools
  }

  #sort(gateways: readonly G[]): void {
    this.#gateways = gateways
    this.#near = Map.groupBy(gateways, this.#zoneOf)
    this.#pools.clear()
  }
}
