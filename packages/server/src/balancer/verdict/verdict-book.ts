import type { Directory, DirectoryPart, KnownNode, Lease, NodeRole } from '../../directory/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ProbeReport } from '../probe/report.ts'
import { Expectations } from './expectations.ts'
import { judge, type Finding } from './judge.ts'
import type { PulseLimits } from './proven.ts'
import { DEGRADED_REASONS, type DegradedReason, type VerdictReason } from './reasons.ts'
import { chooseUsable, START_GRACE_MS } from './usable.ts'

export type Track = Lease['track']
const TRACKS: readonly Track[] = ['stable', 'grey']
/** Whoever judges anew many times a second and has not for so long stood still. */
const VERDICTS_OLD_MS = 1000
/** A balancer that has just started gives out gateways of other zones only once its own are known, or were given so long. */
const OWN_WAIT_MS = 10_000

export interface Reason extends Finding {
  /** Since when, by this balancer's steady clock. */
  readonly sinceMs: number
}

/** What this balancer thinks of one node. */
export interface Verdict {
  readonly node: string
  readonly role: NodeRole
  readonly known: KnownNode
  /** The zone whose log it has, where that is not this balancer's own; `null`: it is. */
  readonly otherZone: string | null
  readonly probe: ProbeReport | null
  /** To be used: a gateway is given to clients. Of the other roles, what would speak against it is said the same way. */
  readonly handedOut: boolean
  /** Handed out for want of better, against these reasons. */
  readonly degraded: boolean
  /** Since when `handedOut` is what it is. */
  readonly sinceMs: number
  readonly reasons: readonly Reason[]
}

export interface Degradation {
  readonly code: DegradedReason
  readonly message: string
  readonly sinceMs: number
}

interface TrackState {
  readonly provenAtMs: Map<string, number>
  anyProvenAtMs: number | null
  degradation: Degradation | null
}

/** A node, the part of the directory by which it is judged, and what speaks against it. */
interface Judged {
  readonly known: KnownNode
  readonly part: DirectoryPart
  readonly found: readonly Finding[]
}

/** How often a reason ended the use of a node of a role. */
export interface Eviction {
  readonly role: NodeRole
  readonly reason: VerdictReason
  count: number
}

/** The newest verdict on every node, and since when each part of it holds. */
export class VerdictBook {
  /** Since the start: as many as there are roles and reasons at most. */
  readonly evictions: Eviction[] = []
  readonly #directory: Directory
  readonly #probeOf: (node: string) => ProbeReport | null
  readonly #limits: PulseLimits
  readonly #logger: Logger
  readonly #parts: readonly { readonly part: DirectoryPart; readonly expectations: Expectations }[]
  readonly #bornAtMs: number
  #startedAtMs: number
  #hasJudged = false
  #judgedAtMs = -Infinity
  #verdicts = new Map<string, Verdict>()
  /** Gateways to be used, as of the last judgement: the list is made there, not for each client that asks. */
  #usable: Readonly<Record<Track, readonly Verdict[]>> = { stable: [], grey: [] }
  readonly #tracks = new Map<Track, TrackState>(
    TRACKS.map((track) => [track, { provenAtMs: new Map(), anyProvenAtMs: null, degradation: null }]),
  )

  constructor(options: {
    readonly directory: Directory
    readonly probeOf: (node: string) => ProbeReport | null
    readonly limits: PulseLimits
    readonly logger: Logger
    readonly startedAtMs: number
  }) {
    this.#directory = options.directory
    this.#probeOf = options.probeOf
    this.#limits = options.limits
    this.#logger = options.logger
    this.#bornAtMs = options.startedAtMs
    this.#startedAtMs = options.startedAtMs
    this.#parts = options.directory.parts.map((part) => ({
      part,
      expectations: new Expectations(part, options.probeOf, options.limits),
    }))
  }

  get verdicts(): ReadonlyMap<string, Verdict> {
    return this.#verdicts
  }

  /**
   * Gateways of the track that may be given to clients, the same list until the next judgement. After a standstill those come
   * alone that were heard since, if any were.
   */
  usable(track: Track, nowMs: number): readonly Verdict[] {
    const usable = this.#usable[track]
    if (!this.#areOld(nowMs)) return usable
    const heardSince = usable.filter(({ probe }) => probe?.state === 'open' && probe.heardAtMs - this.#judgedAtMs > VERDICTS_OLD_MS)
    return heardSince.length > 0 ? heardSince : usable
  }

  /** Why answers for this track are degraded now. */
  degradations(track: Track, nowMs: number): Degradation[] {
    const { view, viewSinceMs } = this.#directory
    const ofTrack = this.#tracks.get(track)!.degradation
    const all = ofTrack === null ? [] : [ofTrack]
    if (this.#areOld(nowMs)) all.unshift(degradation('verdicts_old', this.#judgedAtMs))
    // What other zones have proven does not depend on it.
    const usable = this.#usable[track]
    if (view === 'degraded' && (usable.length === 0 || usable.some(({ otherZone }) => otherZone === null)))
      all.unshift(degradation('directory_degraded', viewSinceMs))
    return all
  }

  #areOld(nowMs: number): boolean {
    return nowMs - this.#judgedAtMs > VERDICTS_OLD_MS
  }

  /**
   * Some gateway has been proven since the start, or was given the time for it. While nothing is known of the balancer's own
   * zone, and that was waited for, it is ready by what others give.
   */
  get isReady(): boolean {
    const givesOut = this.#usable.stable.length + this.#usable.grey.length > 0
    return this.#hasJudged && (this.#directory.view !== 'loading' || (this.#hasWaited && givesOut))
  }

  /** Whether the own zone's nodes are known, or will not be soon: until then others' would take its clients away. */
  get #hasWaited(): boolean {
    return this.#directory.view !== 'loading' || (this.#parts.length > 1 && this.#judgedAtMs - this.#bornAtMs >= OWN_WAIT_MS)
  }

  /** Judges every node anew. */
  update(nowMs: number): void {
    this.#judgedAtMs = nowMs
    // Probes begin when the nodes are known.
    if (!this.#hasWaited) this.#startedAtMs = nowMs
    const judged = this.#judgeAll(nowMs)
    const usable = new Set(TRACKS.flatMap((track) => [...this.#usableOf(track, judged, nowMs)]))
    const verdicts = new Map<string, Verdict>()
    for (const [name, one] of judged) {
      const handedOut = one.known.lease.role === 'gateway' ? usable.has(name) : one.found.length === 0
      verdicts.set(name, this.#verdict(name, one, handedOut, nowMs))
    }
    this.#hasJudged ||= usable.size > 0 || nowMs - this.#startedAtMs >= START_GRACE_MS
    const before = this.#verdicts
    this.#verdicts = verdicts
    const gateways = [...verdicts.values()].filter(({ role, handedOut }) => role === 'gateway' && handedOut)
    const of = (track: Track) => gateways.filter(({ known }) => known.lease.track === track)
    this.#usable = { stable: of('stable'), grey: of('grey') }
    for (const verdict of verdicts.values()) this.#tell(before.get(verdict.node), verdict)
  }

  /** Each node by what its own log's catalogue says. */
  #judgeAll(nowMs: number): ReadonlyMap<string, Judged> {
    const judged = new Map<string, Judged>()
    for (const { part, expectations } of this.#parts) {
      const expected = expectations.at(nowMs)
      for (const [name, known] of part.nodes) {
        const found = judge({ node: known, probe: this.#probeOf(name), expectations: expected, limits: this.#limits, nowMs })
        judged.set(name, { known, part, found })
      }
    }
    return judged
  }

  #usableOf(track: Track, judged: ReadonlyMap<string, Judged>, nowMs: number): ReadonlySet<string> {
    const state = this.#tracks.get(track)!
    const candidates = [...judged].flatMap(([node, { known, part, found }]) => {
      if (known.lease.role !== 'gateway' || known.lease.track !== track) return []
      if (part.otherZone !== null && !this.#hasWaited) return []
      const blindSinceMs = part.view === 'degraded' ? part.viewSinceMs : null
      return [{ node, findings: found, log: part.otherZone ?? '', blindSinceMs }]
    })
    const { nodes, degraded } = chooseUsable(candidates, { ...state, startedAtMs: this.#startedAtMs }, nowMs)
    for (const node of state.provenAtMs.keys()) if (!judged.has(node)) state.provenAtMs.delete(node)
    for (const { node, findings: found } of candidates) {
      if (found.length > 0) continue
      state.provenAtMs.set(node, nowMs)
      state.anyProvenAtMs = nowMs
    }
    this.#degrade(track, state, degraded, nodes, nowMs)
    return nodes
  }

  #degrade(track: Track, state: TrackState, code: DegradedReason | null, nodes: ReadonlySet<string>, nowMs: number): void {
    if (state.degradation?.code === (code ?? undefined)) return
    if (code === null) {
      state.degradation = null
      this.#logger.info('hand_out_proven', `gateways of track ${track} are handed out on proof again, or there are none`, { track })
      return
    }
    state.degradation = degradation(code, nowMs)
    this.#logger.warn('hand_out_degraded', `track ${track}: ${DEGRADED_REASONS[code]}`, { track, reason: code, nodes: [...nodes] })
  }

  #verdict(node: string, { known, part, found }: Judged, handedOut: boolean, nowMs: number): Verdict {
    const before = this.#verdicts.get(node)
    const reasons = found.map((finding) => {
      const same = before?.reasons.find(({ code, feed }) => code === finding.code && feed === finding.feed)
      return { ...finding, sinceMs: same?.sinceMs ?? nowMs }
    })
    return {
      node,
      role: known.lease.role,
      known,
      otherZone: part.otherZone,
      probe: this.#probeOf(node),
      handedOut,
      degraded: handedOut && reasons.length > 0,
      sinceMs: before?.handedOut === handedOut ? before.sinceMs : nowMs,
      reasons,
    }
  }

  /** One line per change of what is done with a node; a gateway that is no longer handed out is worth a warning. */
  #tell(before: Verdict | undefined, verdict: Verdict): void {
    const { node, role, handedOut, reasons } = verdict
    const codes = reasons.map(({ code }) => code)
    if (before !== undefined && before.handedOut === handedOut && sameCodes(before.reasons, reasons)) return
    const fields = { subject: node, role, reasons: codes }
    if (handedOut && reasons.length === 0) this.#logger.info('node_usable', `${node} is to be used`, fields)
    else {
      const why = reasons.map(({ message }) => message).join('; ')
      const text = handedOut ? `${node} is handed out for want of better: ${why}` : `${node} is not to be used: ${why}`
      if (before?.handedOut === true && !handedOut) {
        this.#logger.warn('node_unusable', text, fields)
        for (const reason of new Set(codes)) this.#countEviction(role, reason)
      } else this.#logger.info('node_unusable', text, fields)
    }
  }

  #countEviction(role: NodeRole, reason: VerdictReason): void {
    const known = this.evictions.find((eviction) => eviction.role === role && eviction.reason === reason)
    if (known === undefined) this.evictions.push({ role, reason, count: 1 })
    else known.count++
  }
}

function degradation(code: DegradedReason, sinceMs: number): Degradation {
  return { code, message: DEGRADED_REASONS[code], sinceMs }
}

function sameCodes(some: readonly Reason[], others: readonly Reason[]): boolean {
  return (
    some.length === others.length && some.every(({ code, feed }, index) => code === others[index]!.code && feed === others[index]!.feed)
  )
}
