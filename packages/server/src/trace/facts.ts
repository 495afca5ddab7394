/** What nodes say of one symbol when they are asked for a trace. All times are durations in ms, so that no clock has to be known. */
import type { FeedMode } from '@pulsewire/protocol'
import type { LinkAccount, SessionAccount } from '../session/index.ts'

export interface PulseFact {
  readonly generation: number
  readonly offset: number
  /** Since it was written. */
  readonly ageMs: number
}

export interface StaleFact {
  readonly hop: string
  readonly reason: string
  readonly message: string
  readonly forMs: number
}

export interface FeedFact {
  readonly mode: FeedMode
  readonly generation: number
  /** 0: not known yet. */
  readonly partitions: number
  readonly staleAfterMs: number
  readonly symbolsHeld: number
  readonly symbolsMax: number
  /** The partition of the symbol: where its last record lies, else where its next one would. */
  readonly partition: number
  /** The newest pulse of that partition here. */
  readonly pulse: PulseFact | null
  readonly stale: StaleFact | null
  /** The feed that it shows as that was so long ago; `null`: it shows what is. Absent: a version that does not say. */
  readonly delay?: { readonly of: string; readonly delayMs: number } | null
}

export interface SymbolFact {
  /** `null`: no record is known here. */
  readonly position: string | null
  readonly partition: number
  readonly offset: number
  /** Since the time that its last record bears; of a delayed feed, at the time that it shows. */
  readonly recordAgeMs: number
  readonly deleted: boolean
  /** Of all receivers. */
  readonly subscriptions: number
  readonly readiness: 'ready' | 'waiting'
}

export interface SubscriptionFact {
  readonly id: number
  readonly answered: boolean
  /** Something of it is to be sent. */
  readonly due: boolean
  /** Records by which the receiver is behind. */
  readonly behindBy: number
  /** Least time between two of its updates; 0: none is set. */
  readonly periodMs: number
  readonly delivery: FeedMode
}

export interface SessionFact extends SessionAccount {
  /** `null`: it does not subscribe to the symbol. */
  readonly subscription: SubscriptionFact | null
  /** Feeds under which it subscribes to a symbol of that name. */
  readonly otherFeeds: readonly string[]
}

/** What a gateway has of the symbol over one link. */
export interface LinkFact extends LinkAccount {
  /** Whether the node has the partition, as far as it has said. */
  readonly carries: boolean
  /** Which generation of the feed it serves; `null`: it has no such feed. */
  readonly generation: number | null
  readonly pulse: PulseFact | null
  /** It was asked for the symbol and has answered that it gives it. */
  readonly holds: boolean
  /** What it gives of the symbol is here. */
  readonly covered: boolean
  readonly refused: string | null
  readonly notice: Omit<StaleFact, 'forMs'> | null
}

/** A push node that a gateway knows of, and is not linked to because something speaks against it. */
export interface UnlinkedFact {
  readonly node: string
  readonly line: string
  readonly address: string
  readonly state: 'expired' | 'left' | 'offline' | 'retired' | 'draining' | 'stuck' | 'unready'
  /** What speaks against it, as in "it said goodbye". */
  readonly why: string
  /** Since its last beat. */
  readonly silentMs: number
}

/** What a push node has of the symbol's partition in the log. */
export interface LogFact {
  readonly topic: string
  readonly generation: number
  /** What the catalogue says; `null` where there is none. */
  readonly catalogued: { readonly generation: number; readonly topic: string } | null
  readonly pinned: boolean
  /** Whether the partition is read here. */
  readonly reads: boolean
  readonly warm: boolean
  /** The next offset to be read; −1: reading has not begun. */
  readonly next: number
  /** Where the partition ends; `null`: the log does not say. */
  readonly end: number | null
  readonly unreachable: string | null
  readonly trouble: { readonly reason: string; readonly message: string } | null
  /** Since any record of the partition that is no pulse came; `null`: none has. */
  readonly recordAgoMs: number | null
  /** Pulses of another generation than this node reads, since its start. */
  readonly otherPulses: number
  /** Records that were skipped, since its start. */
  readonly poison: number
}

/** The answer of one node. */
export interface HopFacts {
  readonly node: string
  readonly role: 'push' | 'gateway'
  readonly version: string
  readonly feeds: readonly string[]
  /** `null`: it has no such feed. */
  readonly feed: FeedFact | null
  readonly symbol: SymbolFact | null
  /** Sessions of the user; of a gateway that was asked for one. */
  readonly sessions: number
  readonly session: SessionFact | null
  /** Of a gateway: its upstream nodes. */
  readonly links: readonly LinkFact[]
  /** Of a gateway: push nodes that it knows of and is not linked to. Absent: a version that does not say. */
  readonly unlinked?: readonly UnlinkedFact[]
  /** Of a gateway without links: the push node in the same process whose hub it serves from. */
  readonly beside: string | null
  /** Of a push node. */
  readonly log: LogFact | null
  /** What in it is stuck, in a sentence; `null`: nothing. Absent: a version that does not say. */
  readonly fault?: string | null
}

/** A node that did not answer, and why. */
export interface Unanswered {
  readonly node: string
  readonly code: string
  readonly message: string
}

export interface TraceTarget {
  readonly user?: string
  readonly session?: string
  readonly feed: string
  readonly symbol: string
}

/** All that is known when a trace is judged. */
export interface TraceFacts {
  readonly target: TraceTarget
  /** Gateways that were asked for the user, without those that did not answer. */
  readonly askedGateways: readonly string[]
  /** Whoever did not answer, on the way or at its end. */
  readonly unanswered: readonly Unanswered[]
  /** The gateway that has the session; `null`: none of those that answered. */
  readonly gateway: HopFacts | null
  /** The push nodes that this gateway is linked to and that answered. */
  readonly push: readonly HopFacts[]
}
