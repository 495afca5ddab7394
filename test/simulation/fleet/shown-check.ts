import type { SymbolState } from '@pulsewire/client'
import type { HopMonitor } from '../../support/checker/hop-monitor.ts'
import type { SubscriptionChecker } from '../../support/checker/subscription-checker.ts'
import type { SimApp } from './app.ts'
import { type Fault, type Fleet, LEVEL } from './fault.ts'
import type { Faults } from './faults.ts'

/** A way from the log to a client that had no fault for so long keeps it live. */
const HEALTHY_FOR_MS = 15_000
/** A gateway without a fault for so long has told all that it has to tell. */
const GATEWAY_WELL_FOR_MS = 6_000
/** What a frame says shows in the states of the same message; a client that changes gateways has that long. */
const SETTLED_WITHIN_MS = 100
/**
 * A gateway says that a partition is stale when its newest pulse is older than 2 s, and a client has that by then: with
 * the error of clocks, the interval of its checks, a hiccup and the line.
 */
const NOTICE_WITHIN_MS = 4_500
/**
 * By how much a client's idea of a pulse's age may be wrong: what travel of a pulse through the log may be taken for skew
 * of its writer's clock, and half a round trip on each hop.
 */
const AGE_ERROR_MS = 600

/** A link that is bringing something brings some of it within this, however thin it is. */
const BRINGS_WITHIN_MS = 1_000

/** Judges what applications are shown by what was written and by the faults that there were. */
export class ShownCheck {
  readonly #fleet: Fleet
  readonly #faults: () => Faults

  constructor(fleet: Fleet, faults: () => Faults) {
    this.#fleet = fleet
    this.#faults = faults
  }

  /** What it is shown now. */
  look(app: SimApp): void {
    this.#checkLive(app)
    this.#checkTold(app)
  }

  /** P2: what a client shows as live is as young as it promises. */
  #checkLive(app: SimApp): void {
    const { nowMs } = this.#fleet.world
    if (app.process.state !== 'running' || nowMs - app.thawedAtMs < 1) return
    const { monitor } = app
    const staleAfterMs = monitor?.welcome?.staleAfterMs ?? 2500
    for (const checker of app.checkers) {
      for (const [name, { state }] of checker.told) {
        if (state !== 'live') continue
        const { periodMs, feed } = checker.facts
        const slackMs = periodMs === 0 ? 0 : periodMs + (monitor?.welcome?.pulseIntervalMs ?? 1000) + 100
        const untruth = checker.untruth(name, nowMs, staleAfterMs + AGE_ERROR_MS + slackMs)
        if (untruth !== undefined) this.#fleet.world.report('P2', `${checker.facts.name}: ${name} ${untruth}`)
        const partition = checker.symbol(name)?.partition
        if (partition !== undefined && monitor !== undefined) this.#checkLiveAgainstNotice(app, monitor, checker, name, partition)
        const pulse = partition === undefined ? undefined : monitor?.pulses.get(`${feed}/${partition}`)
        if (monitor === undefined) this.#fleet.world.report('P2', `${checker.facts.name}: ${name} is live without a session`)
        else if (partition !== undefined && nowMs - (pulse?.writtenAtMs ?? -Infinity) > staleAfterMs + AGE_ERROR_MS) {
          this.#fleet.world.report(
            'P2',
            `${checker.facts.name}: ${name} is live; the newest pulse of partition ${partition} that came was written ${pulse === undefined ? 'never' : `${Math.round(nowMs - pulse.writtenAtMs)} ms ago`}`,
          )
        }
      }
    }
  }

  /** P2: what is said to be stale is not shown as live. */
  #checkLiveAgainstNotice(
    app: SimApp,
    monitor: HopMonitor,
    { facts, subscription }: SubscriptionChecker,
    name: string,
    partition: number,
  ): void {
    const notice = monitor.noticeOf(facts.feed, partition)
    // Before its first update the client does not know where a symbol lies.
    if (notice === undefined || subscription?.get(name)?.position === undefined) return
    const { nowMs } = this.#fleet.world
    if (nowMs - Math.max(notice.sinceMs, app.servingSinceMs) < SETTLED_WITHIN_MS) return
    this.#fleet.world.report(
      'P2',
      `${facts.name}: ${name} is live, though ${app.servedBy} says that ${notice.hop} stopped: ${notice.reason}`,
    )
  }

  /** P2: a gateway that has had no young pulse says so, where nothing is wrong between it and its client. */
  #checkTold(app: SimApp): void {
    const { nowMs, feeds } = this.#fleet.world
    const { monitor } = app
    if (monitor === undefined || app.process.state !== 'running' || nowMs - app.servingSinceMs < NOTICE_WITHIN_MS) return
    if (
      this.#faults()
        .since(nowMs - GATEWAY_WELL_FOR_MS)
        .some(({ level }) => level >= LEVEL.gateway)
    )
      return
    const pulseIntervalMs = monitor.welcome?.pulseIntervalMs ?? 0
    for (const { config, partitions } of feeds) {
      // What was live again a moment ago has as long anew.
      const sinceMs = Math.max(monitor.subscribedSinceMs(config.name), monitor.liveAtMs(config.name))
      if (nowMs - sinceMs < NOTICE_WITHIN_MS) continue
      for (let partition = 0; partition < partitions; partition++) {
        const writtenAtMs = monitor.pulses.get(`${config.name}/${partition}`)?.writtenAtMs ?? -Infinity
        if (nowMs - writtenAtMs < NOTICE_WITHIN_MS + pulseIntervalMs || monitor.noticeOf(config.name, partition) !== undefined) continue
        return this.#fleet.world.report(
          'P2',
          `${app.id} was not told that ${config.name}/${partition} is stale; its newest pulse was written ${Math.round(nowMs - writtenAtMs)} ms ago`,
        )
      }
    }
  }

  /** P2, P3: nothing is called stale without a fault, and the hop that is named is at fault or behind it. */
  stale(app: SimApp, checker: SubscriptionChecker, symbol: string, state: SymbolState): void {
    const { nowMs } = this.#fleet.world
    const faults = this.#faults().since(nowMs - HEALTHY_FOR_MS)
    const gateway = app.servedBy ?? state.hop
    const who = `${checker.facts.name}: ${symbol} is told stale, ${state.reason} at ${state.hop}`
    if (gateway !== undefined && nowMs - app.servingSinceMs > HEALTHY_FOR_MS && this.#hasHealthyWay(app.id, gateway, faults)) {
      return this.#fleet.world.report(
        'P3',
        `${who}, though a way was sound for ${HEALTHY_FOR_MS} ms; faults: ${faults.map(({ name }) => name).join('; ') || 'none'}`,
      )
    }
    // Time lost between two nodes is laid to the sender, also where a frozen receiver did not take what had come.
    const level = this.#levelOf(state.hop ?? '') + (state.reason === 'lagging' ? 1 : 0.5)
    if (!faults.some(({ firstLevel }) => firstLevel <= level) && !this.#brings(gateway, state.hop, checker.facts.feed, faults)) {
      this.#fleet.world.report('P2 hop', `${who}; faults: ${faults.map(({ name }) => name).join('; ') || 'none'}`)
    }
  }

  /**
   * Whether a fault sent clients over to this gateway, and the link to that push node is bringing what they ask for: images
   * and history, behind which the next pulse stands. On a thin line that takes as long as it takes. Where nothing comes over
   * the link, or everything asked for has come, it explains nothing.
   */
  #brings(gateway: string | undefined, push: string | undefined, feed: string, faults: readonly Fault[]): boolean {
    const sentOver = faults.some(
      ({ level, touches }) => level === LEVEL.line || (level === LEVEL.gateway && touches.some((id) => id !== gateway)),
    )
    if (!sentOver) return false
    return [...this.#fleet.taps.hops].some(
      ({ options, monitor }) => options.receiver === gateway && options.sender === push && monitor.isCatchingUp(feed, BRINGS_WITHIN_MS),
    )
  }

  #hasHealthyWay(app: string, gateway: string, faults: readonly { level: number; touches: readonly string[] }[]): boolean {
    const broken = (...ids: string[]) => faults.some(({ touches, level }) => level !== LEVEL.link && touches.some((id) => ids.includes(id)))
    if (faults.some(({ touches }) => touches.length === 0)) return false
    if (this.#fleet.pulses.every(({ id }) => broken(id))) return false
    if (
      faults.some(
        ({ touches, level }) => level === LEVEL.line && touches.includes(app) && (touches.includes(gateway) || touches.length === 1),
      )
    )
      return false
    if (faults.some(({ touches, level }) => level === LEVEL.gateway && touches.includes(gateway))) return false
    return (['A', 'B'] as const).some((line) =>
      this.#fleet.pushNodes
        .filter((node) => node.line === line)
        .every(
          ({ id }) =>
            !broken(id) && !faults.some(({ touches, level }) => level === LEVEL.link && touches.includes(id) && touches.includes(gateway)),
        ),
    )
  }

  #levelOf(hop: string): number {
    return hop === 'log' ? LEVEL.log : hop.includes('push') ? LEVEL.push : LEVEL.gateway
  }
}
