import type { GreyPolicy } from './grey.ts'
import type { Lease, NodeWord } from './lease.ts'
import type { Revocations } from './revocations.ts'
import type { Saying } from './saying.ts'

/** One node as this reader knows it. */
export interface KnownNode {
  readonly lease: Lease
  /** This reader's clock when the newest beat came, steady ms. */
  readonly heardAtMs: number
  /** Steady ms at which the lease ends unless another beat comes; later by what nobody could be heard for since the last one. */
  readonly expiresAtMs: number
  /** `live`; `expired` by its life; `left` when it said goodbye itself; `kept`: past its life while the view is degraded. */
  readonly state: 'live' | 'expired' | 'left' | 'kept'
  /** `online` when nobody said anything. */
  readonly word: NodeWord
  /** Who said that, and when; absent: nobody did. */
  readonly told?: Saying
}

/** One generation of a feed in the catalogue. */
export interface FeedGeneration {
  readonly generation: number
  readonly topic: string
  /** Brokers of another cluster that holds the topic; absent: the log that everybody reads. */
  readonly brokers?: readonly string[]
  /**
   * Record time, in ms since the Unix epoch, from which its records count; those before it are the former generation's.
   * Absent in a generation that is being opened, and in the first one. Set once: from then on nodes switch by themselves.
   */
  readonly fromMs?: number
}

/** What the catalogue says of a feed: which generation counts, and which one is being opened beside it. */
export interface CatalogueFeed {
  readonly feed: string
  readonly current: FeedGeneration
  /** Read and pulsed in parallel with the current one while a migration is under way. */
  readonly next: FeedGeneration | null
  /** Generations that were closed, newest first: their nodes are zombies. */
  readonly retired: readonly FeedGeneration[]
  /**
   * Grows with each change; writers state the one they saw, so that two operators do not undo each other. Counted from the
   * time of the first one (`firstRevision`), so that it also says which of two catalogues is the newer one.
   */
  readonly revision: number
  /** Who said so, and when; absent: a version that did not say. */
  readonly said?: Saying
}

/**
 * What one control topic says of nodes and feeds. Who beats in it is judged by it alone: a catalogue, its generations and the
 * silence of a topic say nothing of nodes whose log is another.
 */
export interface DirectoryPart {
  /** The zone whose log this is, where that is not this node's own; `null`: it is. */
  readonly otherZone: string | null
  /**
   * Names the log whose positions the catalogue orders: the control topic's id, so that one made anew is another log.
   * `null`: not known yet. Generations number the positions of one such log, and positions of two cannot be compared.
   */
  readonly logId: string | null
  readonly view: 'loading' | 'current' | 'degraded'
  /** Since when the view is what it is, steady ms. */
  readonly viewSinceMs: number
  readonly nodes: ReadonlyMap<string, KnownNode>
  readonly feeds: ReadonlyMap<string, CatalogueFeed>
}

/**
 * What `pulsewire.control` says, as one reader has it: leases, operators' words and the feed catalogue.
 *
 * The view is `degraded` when the control topic brings nothing at all, not even this node's own beats: then nobody is
 * judged by silence, and nodes whose leases had not expired before stay `kept` (promise P5).
 */
export interface Directory extends DirectoryPart {
  /** One for each log that is looked at, this node's own first. */
  readonly parts: readonly DirectoryPart[]
  /** Whether all that was there before has been read: what `feeds` says holds from then on. */
  readonly isReadBack: boolean
  /** Tokens that count no more. */
  readonly revocations: Revocations
  /** Who takes part in the grey release; `null`: nobody does. */
  readonly grey: GreyPolicy | null
  /** Calls back, in the same turn, after anything above has changed. @returns stops that. */
  onChange(listener: () => void): () => void
}
