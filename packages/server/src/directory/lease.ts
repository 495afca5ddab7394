/** What a node serves of one feed, as its lease says. */
export interface LeasedFeed {
  readonly feed: string
  /** The generation that it reads or passes on now; its topic follows from the catalogue. */
  readonly generation: number
  /** Topic that it reads, for push nodes and pulse writers: names a node that was left behind. */
  readonly topic?: string
  /** Partitions that it reads (push node). Absent: all that there are. */
  readonly partitions?: readonly number[]
  /** Age of the oldest partition's newest pulse when the lease was written, in ms; `null`: none has come yet. */
  readonly pulseAgeMs: number | null
  /** Of a generation that is being opened, the part of its records that this node cannot decode, 0 to 1. Absent: none. */
  readonly unreadable?: number
  /** The feed that it shows as that was a while ago (push node, gateway). Absent: none, it shows what is. */
  readonly delayOf?: string
  /** How long ago, in ms. Absent: now, or a version that does not say. */
  readonly delayMs?: number
}

export type NodeRole = 'push' | 'gateway' | 'balancer' | 'pulse'

/** How busy a node is, for whoever spreads load. */
export interface NodeLoad {
  readonly sessions: number
  readonly sessionsMax: number
  /** Part of the time that the event loop was busy since the last beat, 0 to 1. */
  readonly busy: number
}

/** One link of a gateway to a push node. */
export interface LeasedLink {
  /** Who answered; the address until somebody did. */
  readonly node: string
  readonly line: string
  readonly state: 'connecting' | 'open' | 'waiting'
  /** Age of the newest pulse that this link brought, of the partition where it is oldest, in ms; `null`: none yet. */
  readonly pulseAgeMs: number | null
}

/** How the receivers of a gateway fared, counted since it started. */
export interface LeasedService {
  /** Sessions that began. */
  readonly opened: number
  /** Sessions that ended although neither side meant it: lost, cut for being slow, turned away, failed. */
  readonly disconnects: number
  /** Of them, those that a fault of the gateway ended. */
  readonly errors: number
  /** Messages whose update was timed from its record until it was sent, and the sum of these times. */
  readonly latencyCount: number
  readonly latencySumMs: number
}

/** How a node's process fares; of a process of several roles each lease tells of the time since its own last beat. */
export interface NodeVitals {
  /** Since the process started. */
  readonly uptimeMs: number
  /** The longest that its event loop kept anything waiting since the last beat. */
  readonly loopDelayMs: number
  /** Resident memory. */
  readonly memoryBytes: number
}

/**
 * A node's self-expiring statement of what it is and serves. Beaten once a second, believed for `lifeMs` after it was
 * read, by the reader's monotonic clock: no node's wall clock decides anything.
 */
export interface Lease {
  readonly node: string
  readonly role: NodeRole
  /** Grows with every start of the node; a reader ignores what an older incarnation says. */
  readonly incarnation: number
  /** Number of the beat within the incarnation. */
  readonly beat: number
  readonly lifeMs: number
  readonly zone: string
  readonly track: 'stable' | 'grey'
  /** Line of a push node. */
  readonly line?: 'A' | 'B'
  readonly version: string
  /** Addresses at which others reach it, such as `ws://gw-1:8080`; none for a node that takes no connections. */
  readonly addresses: readonly string[]
  readonly feeds: readonly LeasedFeed[]
  readonly load: NodeLoad
  /** It takes new sessions. */
  readonly ready: boolean
  /** It asks its receivers to move and will be gone soon. */
  readonly draining: boolean
  /** Links of a gateway. Absent: it has none, or is of a version that does not say. */
  readonly links?: readonly LeasedLink[]
  /** What in it is stuck, in a sentence; absent while nothing is. */
  readonly fault?: string
  /** Absent: a version that does not say. */
  readonly vitals?: NodeVitals
  /** Of a gateway. Absent: another role, or a version that does not say. */
  readonly service?: LeasedService
  /** Where its watchdog takes questions by itself, such as `http://gw-1:8099`. Absent: nowhere. */
  readonly watchdog?: string
}

/** An operator's word on a node. It holds over restarts of the node, until another is said. */
export type NodeWord = 'online' | 'offline' | 'draining'
