import type { StoryAnswer, Tone } from '@pulsewire/console'

const ENTRIES_MAX = 200

/** What nodes say in their log output that a balancer cannot know, and how it is to be taken. */
const TONES: Readonly<Record<string, Tone>> = {
  event_loop_blocked: 'bad',
  process_ends: 'bad',
  digest_differs: 'bad',
  lease_lapsed: 'plain',
  resynced: 'good',
  slow: 'bad',
  session_closed: 'plain',
  caught_up: 'good',
  upstream_outdated: 'bad',
  generation_switched: 'plain',
  node_ended: 'bad',
}

/** What was done to the demonstration, and what its nodes say of it. */
export class Story {
  readonly #nowMs: () => number
  readonly #entries: StoryAnswer[] = []
  #last = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Newest last. */
  get entries(): readonly StoryAnswer[] {
    return this.#entries
  }

  tell(message: string, tone: Tone = 'plain', node?: string): void {
    const before = this.#entries.at(-1)
    if (before?.message === message && before.node === node) return
    this.#entries.push({ id: ++this.#last, atMs: Math.round(this.#nowMs()), tone, message, ...(node === undefined ? {} : { node }) })
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift()
  }

  /** A line of a node's log output; most are left out. */
  said(node: string, code: string, message: string): void {
    const tone = TONES[code]
    if (tone !== undefined) this.tell(message, tone, node)
  }
}
