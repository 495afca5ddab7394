/** What a balancer answers, as far as the page reads it. docs/balancer.md has all of it; a test holds both equal. */

export type Role = 'push' | 'gateway' | 'balancer' | 'pulse'

export interface LinkAnswer {
  readonly node: string
  readonly line: string
  readonly state: 'connecting' | 'open' | 'waiting'
  readonly pulseAgeMs: number | null
}

export interface NodeAnswer {
  readonly node: string
  readonly role: Role
  readonly handedOut: boolean
  readonly degraded: boolean
  readonly sinceMs: number
  readonly reasons: readonly { readonly code: string; readonly message: string; readonly sinceMs: number }[]
  readonly zone: string
  /** The zone whose log is its own; absent: it has the balancer's. */
  readonly otherZone?: string
  readonly track: string
  readonly line?: string
  readonly version: string
  readonly addresses: readonly string[]
  readonly word: 'online' | 'offline' | 'draining'
  readonly told?: { readonly by?: string; readonly atMs: number }
  readonly lease: {
    readonly state: 'live' | 'expired' | 'left' | 'kept'
    readonly incarnation: number
    readonly beatAgeMs: number
    readonly ready: boolean
    readonly draining: boolean
  }
  readonly load: { readonly sessions: number; readonly sessionsMax: number; readonly busy: number }
  readonly probe: null | {
    readonly state: string
    readonly failure: string | null
    /** Whether somebody new is let in. A balancer of before knows nothing of it. */
    readonly entry?: null | { readonly failure: string | null }
    readonly roundTripMs: number | null
    readonly feeds: readonly { readonly feed: string; readonly pulseAgeMs: number | null }[]
  }
  readonly feeds: readonly {
    readonly feed: string
    readonly generation: number
    readonly topic?: string
    readonly partitions?: readonly number[]
    readonly pulseAgeMs: number | null
  }[]
  readonly links: readonly LinkAnswer[]
  readonly fault: string | null
  readonly vitals: null | { readonly uptimeMs: number; readonly loopDelayMs: number; readonly memoryBytes: number }
}

export interface FeedAnswer {
  readonly feed: string
  readonly generation: number
  readonly topic: string | null
  readonly next: null | { readonly generation: number; readonly topic: string }
  readonly partitions: readonly { readonly pulseAgeMs: number | null }[]
}

export interface TrackAnswer {
  readonly track: string
  readonly gateways: number
  readonly sessions: number
  readonly freshnessMs: number | null
  readonly latencyMs: number | null
  readonly errorRate: number
  readonly disconnectRate: number
}

export interface GreyAnswer {
  readonly percent: number
  readonly users: number
  readonly setBy?: string
  readonly worse: readonly { readonly measure: string; readonly message: string }[]
  readonly stopped: null | { readonly by: string; readonly reason: string; readonly atMs: number }
}

export interface TopologyAnswer {
  readonly balancer: string
  readonly atMs: number
  readonly view: { readonly state: 'loading' | 'current' | 'degraded'; readonly sinceMs: number }
  readonly degraded: readonly { readonly track: string; readonly message: string; readonly sinceMs: number }[]
  readonly tracks: readonly TrackAnswer[]
  readonly grey: null | GreyAnswer
  readonly feeds: readonly FeedAnswer[]
  readonly nodes: readonly NodeAnswer[]
}

export type EventTone = 'good' | 'bad' | 'plain'

export interface EventAnswer {
  readonly id: number
  readonly atMs: number
  readonly kind: string
  readonly tone: EventTone
  readonly node?: string
  readonly message: string
}

export interface EventsAnswer {
  readonly startedAtMs: number
  readonly events: readonly EventAnswer[]
  readonly last: number
}
