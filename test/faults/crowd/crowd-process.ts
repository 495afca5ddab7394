/** Very many clients of the SDK in a process of their own: they look at little and tell only what became of each. */
import { PulsewireClient } from '@pulsewire/client'
import { useLightNetwork } from '../../support/light-network.ts'
import { steadyMs } from '../../support/steady.ts'

export interface CrowdOrder {
  readonly clients: number
  readonly balancer: readonly string[]
  readonly symbols: readonly string[]
  /** Of the clients in turn. Default: the SDK's own choice. */
  readonly encodings?: readonly ('bin' | 'json')[]
  /** So many begin each second. */
  readonly perSecond: number
}

export interface CrowdReport {
  readonly live: number
  /** By gateway, how many it serves. */
  readonly servedBy: Readonly<Record<string, number>>
  /** Of those that ever were not live since the last question: when the last of them became live again. */
  readonly lastLiveAtMs: number
  /** Those that were not live at some moment since the last `mark`. */
  readonly struck: number
  /** Those that more than one attempt at a gateway that lives failed for, since the last `mark`; what they were told. */
  readonly refusedTwice: readonly string[]
  /** How often servers complained of what clients said, by what they said, since the start. */
  readonly errors: Readonly<Record<string, number>>
}

/** Told with `mark`: what counts begins now, and attempts at this address are of no interest. */
export type CrowdQuestion = { readonly ask: 'report' } | { readonly ask: 'mark'; readonly dead: string }

class Member {
  readonly client: PulsewireClient
  readonly #view: ReturnType<PulsewireClient['subscribe']>
  wasStruck = false
  liveAtMs = 0
  refusals: string[] = []
  readonly errors: string[] = []

  constructor(index: number, { balancer, symbols, encodings }: CrowdOrder, isDead: (message: string) => boolean) {
    const encoding = encodings?.[index % encodings.length]
    this.client = new PulsewireClient({ balancer, name: `crowd-${index}`, ...(encoding === undefined ? {} : { encoding }) })
    this.client.on('error', ({ code, message }) => {
      if (/^connect_/.test(code) && !isDead(message)) this.refusals.push(`${code}: ${message}`)
      if (code === 'server_error') this.errors.push(message.replace(/^\S+: /, ''))
    })
    this.#view = this.client.subscribe({ feed: 'quote', symbols: [symbols[index % symbols.length]!] }, { onState: () => this.#look() })
  }

  get isLive(): boolean {
    return this.#view.state.state === 'live'
  }

  #look(): void {
    if (this.isLive) this.liveAtMs = steadyMs()
    else this.wasStruck = true
  }

  mark(): void {
    this.wasStruck = !this.isLive
    this.refusals = []
  }
}

const members: Member[] = []
let dead: string | undefined

function begin(order: CrowdOrder): void {
  const timer = setInterval(() => {
    for (let i = 0; i < Math.max(1, order.perSecond / 20) && members.length < order.clients; i++) {
      members.push(new Member(members.length, order, (message) => dead !== undefined && message.includes(dead)))
    }
    if (members.length >= order.clients) clearInterval(timer)
  }, 50)
}

function report(): CrowdReport {
  const struck = members.filter(({ wasStruck }) => wasStruck)
  const servedBy: Record<string, number> = {}
  for (const { client } of members) {
    const node = client.session?.node ?? 'nobody'
    servedBy[node] = (servedBy[node] ?? 0) + 1
  }
  return {
    live: members.filter(({ isLive }) => isLive).length,
    servedBy,
    struck: struck.length,
    lastLiveAtMs: struck.reduce((last, { liveAtMs }) => Math.max(last, liveAtMs), 0),
    errors: countOf(members.flatMap(({ errors }) => errors)),
    refusedTwice: members.filter(({ refusals }) => refusals.length > 1).map(({ refusals }) => refusals.join('; ')),
  }
}

function countOf(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}

useLightNetwork()
process.once('message', (order: CrowdOrder) => {
  begin(order)
  process.on('message', (question: CrowdQuestion) => {
    if (question.ask === 'mark') {
      dead = question.dead
      for (const member of members) member.mark()
    }
    process.send!(report())
  })
})
// Nobody is left to tell.
process.once('disconnect', () => process.exit())
