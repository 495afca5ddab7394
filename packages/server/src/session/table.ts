import {
  isValidName,
  NAME_RULE,
  SubscriptionDigest,
  type SubscribedFrame,
  type SubscribeFrame,
  type UnsubscribedFrame,
  type UnsubscribeFrame,
} from '@pulsewire/protocol'
import {
  isPattern,
  Subscription,
  type Entry,
  type Feed,
  type Hub,
  type PatternState,
  type Subscriber,
  type SymbolState,
} from '../hub/index.ts'
import { PROBE_PATTERN } from '../access/index.ts'
import { OwedAnswers, type Answers } from './answers.ts'
import type { DueQueue } from './due-queue.ts'
import { Work } from './pace.ts'
import { patternKey, PatternLooks } from './pattern-looks.ts'
import { type Begin, type Begins, beginOf, NOWHERE, PatternPositions, positionReceiver } from './resume.ts'
import type { Rights } from './rights.ts'
import { deliveryOf, shown, SubscribeError } from './subscribe-options.ts'
import { UnknownEntries } from './unknown-entries.ts'

const NO_FRAMES: readonly SubscribedFrame[] = []

/** A symbol or pattern that is subscribed no more, and why. */
export interface Lost {
  readonly id: number
  readonly name: string
  readonly message: string
}

/** Whose table it is. */
export interface TableOwner extends Subscriber {
  /** An answer is owed that came by itself. */
  owes(): void
}

/** What a session subscribes to, and the answers it still owes its receiver. */
export class SubscriptionTable {
  readonly digest = new SubscriptionDigest()
  readonly #hub: Hub
  readonly #owner: TableOwner
  readonly #due: DueQueue
  readonly #groups: ReadonlyMap<string, readonly string[]>
  readonly #rights: Rights
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #answers = new OwedAnswers()
  /** Positions that waiting entries asked to resume from. */
  #resume: Map<Entry, Begin> | null = null
  /** The same of waiting patterns. */
  #resumePatterns: PatternPositions | null = null
  /** Per feed index how many subscriptions there are. */
  readonly #feeds: number[]
  readonly #work = new Work()
  readonly #looks: PatternLooks
  readonly #unknown: UnknownEntries
  #symbols = 0
  #patterns = 0
  /** The same per feed index. */
  readonly #patternsOf: number[] = []
  #nextRef = 1
  #freeRefs: number[] | null = null
  /** While a repair runs: what the receiver has named again. */
  #confirmed: Set<Entry | string> | null = null

  /** @param due gets each entry whose answer says that its image follows. */
  constructor(hub: Hub, owner: TableOwner, due: DueQueue, groups: ReadonlyMap<string, readonly string[]>, rights: Rights) {
    this.#hub = hub
    this.#feeds = new Array<number>(hub.feeds.length).fill(0)
    this.#owner = owner
    this.#due = due
    this.#groups = groups
    this.#rights = rights
    this.#unknown = new UnknownEntries(hub)
    this.#looks = new PatternLooks(hub, rights, this.#work)
  }

  get symbols(): number {
    return this.#symbols
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  usesFeed(feed: Feed): boolean {
    return (this.#feeds[feed.index] ?? 0) > 0
  }

  /** Whether the receiver waits for an answer. */
  get answersOutstanding(): boolean {
    return this.#answers.any
  }

  /** Rows of answers that wait to be sent. */
  get rowsOwed(): number {
    return this.#answers.size
  }

  /** What was done since it was last asked for, beside reading what was said: in messages. */
  takeWork(): number {
    return this.#work.take()
  }

  /** @throws SubscribeError when nothing of it can be taken. */
  subscribe(frame: SubscribeFrame): void {
    const subscription = this.#open(frame)
    const answers = this.#answers.of(subscription)
    answers.open = true
    // What is named several times in one frame is named once.
    const names = new Set(frame.symbols)
    const patterns = new Set(frame.patterns)
    for (const group of new Set(frame.groups)) {
      const members = this.#groups.get(group)
      if (members === undefined) answers.refuse('group', shown(group), 'group_unknown', `no group ${shown(group)} is configured here`)
      else for (const member of members) (isPattern(member) ? patterns : names).add(member)
    }
    this.#work.named(names.size)
    for (const name of names) this.#subscribeName(subscription, answers, name, frame)
    for (const pattern of patterns) this.#subscribePattern(subscription, answers, pattern, frame)
  }

  unsubscribe(frame: UnsubscribeFrame): UnsubscribedFrame {
    const { id } = frame
    this.#work.named(frame.symbols?.length ?? 0)
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined)
      return { t: 'unsubscribed', id, ok: [], unknown: [...(frame.symbols ?? []), ...(frame.patterns ?? [])], closed: true }
    const all = frame.symbols === undefined && frame.patterns === undefined
    const ok: string[] = []
    const unknown: string[] = []
    for (const pattern of all ? [...(subscription.patterns ?? [])] : (frame.patterns ?? [])) {
      if (subscription.patterns?.has(pattern) === true) this.#dropPattern(subscription, pattern, ok)
      else unknown.push(pattern)
    }
    for (const name of all ? [...subscription.entries.keys()] : (frame.symbols ?? [])) {
      const entry = subscription.entries.get(name)
      if (entry === undefined) unknown.push(shown(name))
      else {
        this.#drop(entry)
        ok.push(name)
      }
    }
    // Nothing is left, though an answer may still be owed; it goes out before this.
    const closed = subscription.entries.size === 0 && (subscription.patterns?.size ?? 0) === 0
    this.#closeIfEmpty(subscription)
    return { t: 'unsubscribed', id, ok, unknown, closed }
  }

  /** The symbol of a waiting entry can be answered. */
  ready(entry: Entry): void {
    const answers = this.#answers.of(entry.subscription)
    if (answers.outstanding > 0) answers.outstanding--
    this.#answer(entry, answers, this.#resume?.get(entry))
    this.#resume?.delete(entry)
  }

  /** The entry is gone from the hub already. @returns whether the receiver had been told `ok` before. */
  refused(entry: Entry, code: string, message: string): boolean {
    const answers = this.#answers.of(entry.subscription)
    const wasAnswered = entry.answered
    this.#forget(entry)
    if (wasAnswered) return true
    if (answers.outstanding > 0) answers.outstanding--
    answers.refuse('symbol', entry.symbol.name, code, message)
    return false
  }

  /** A symbol appeared that matches one of the session's patterns. */
  matched(subscription: Subscription, pattern: PatternState, symbol: SymbolState): void {
    if (pattern.readiness === 'waiting' || !this.#rights.allows(subscription.feed, symbol.name)) return
    const answers = this.#answers.of(subscription)
    if (this.#room > 0 || subscription.entries.has(symbol.name)) this.#match(subscription, answers, pattern, symbol, NOWHERE, false)
    else this.#outgrown(subscription, answers, pattern)
  }

  /** Nobody upstream gives it. */
  patternRefused(subscription: Subscription, pattern: PatternState, code: string, message: string): void {
    const answers = this.#answers.of(subscription)
    if (pattern.readiness === 'waiting' && answers.outstanding > 0) answers.outstanding--
    this.#resumePatterns?.delete(patternKey(subscription, pattern.pattern))
    this.#over(subscription, answers, pattern, code, message)
  }

  patternReady(subscription: Subscription, pattern: PatternState): void {
    const answers = this.#answers.of(subscription)
    if (answers.outstanding > 0) answers.outstanding--
    this.#look(subscription, pattern, false)
  }

  /** Takes the answers that can be sent now, oldest first. */
  takeAnswers(): readonly SubscribedFrame[] {
    if (!this.#answers.any) return NO_FRAMES
    const frames = this.#answers.take((subscription) => this.#closeIfEmpty(subscription))
    if (!this.#answers.any) this.#resume = this.#resumePatterns = null
    return frames
  }

  /** The receiver is asked to name everything again; what it has not named at `endRepair` is dropped. */
  beginRepair(): void {
    this.#confirmed = new Set()
  }

  /** @returns what was dropped: patterns, and symbols in force. The next pulse proves nothing of them, so the receiver has to know. */
  endRepair(): Lost[] {
    const confirmed = this.#confirmed
    this.#confirmed = null
    if (confirmed === null) return []
    const lost: Lost[] = []
    // The receiver may hold a row whose end never reached us: none of these refs may mean anything else in this session.
    const free = this.#freeRefs
    this.#freeRefs = null
    for (const subscription of [...this.#subscriptions.values()]) {
      const { id, entries } = subscription
      const inForce = [...entries.values()].filter((entry) => entry.inForce)
      for (const pattern of [...(subscription.patterns ?? [])]) {
        if (confirmed.has(patternKey(subscription, pattern))) continue
        this.#dropPattern(subscription, pattern, [])
        lost.push({ id, name: pattern, message: '' })
      }
      for (const entry of [...entries.values()]) if (entry.named && !confirmed.has(entry)) this.#unname(entry)
      for (const entry of inForce) if (!entry.inForce) lost.push({ id, name: entry.symbol.name, message: '' })
      this.#closeIfEmpty(subscription)
    }
    this.#freeRefs = free
    return lost
  }

  /** Forgets a symbol without a word to the receiver, as a defect would (faults on request). @returns whether it was there. */
  lose(name: string): boolean {
    // The receiver goes on to hold its ref: it must not mean anything else until the two agree again.
    const free = this.#freeRefs
    this.#freeRefs = null
    let lost = false
    for (const { entries } of this.#subscriptions.values()) {
      const entry = entries.get(name)
      if (entry === undefined) continue
      this.#drop(entry)
      lost = true
    }
    this.#freeRefs = free
    return lost
  }

  /** The receiver's rights are others now: drops what they do not give, and adds what patterns bring more. @returns what it is to be told of. */
  regrant(): Lost[] {
    const lost: Lost[] = []
    for (const subscription of [...this.#subscriptions.values()]) {
      const why = this.#rights.objection(subscription) ?? undefined
      for (const pattern of [...(subscription.patterns ?? [])]) {
        if (why === undefined && this.#rights.meets(subscription.feed, pattern)) continue
        this.#dropPattern(subscription, pattern, [])
        lost.push({ id: subscription.id, name: pattern, message: this.#denial(subscription.feed, why) })
      }
      for (const entry of [...subscription.entries.values()]) {
        if (why === undefined && this.#rights.allows(subscription.feed, entry.symbol.name)) continue
        this.#drop(entry)
        lost.push({ id: subscription.id, name: entry.symbol.name, message: this.#denial(subscription.feed, why) })
      }
      for (const text of [...(subscription.patterns ?? [])]) this.#lookAnew(subscription, subscription.feed.patterns.get(text)!)
      this.#closeIfEmpty(subscription)
    }
    return lost
  }

  close(): void {
    this.#looks.close()
    for (const subscription of this.#subscriptions.values()) {
      for (const pattern of [...(subscription.patterns ?? [])]) this.#hub.removePattern(subscription, pattern)
      for (const entry of [...subscription.entries.values()]) this.#hub.detach(entry)
      subscription.feed.views.close(subscription.view)
    }
    this.#subscriptions.clear()
    this.#answers.clear()
    this.#resume = this.#resumePatterns = null
  }

  #open(frame: SubscribeFrame): Subscription {
    const feed = this.#hub.feed(frame.feed)
    if (feed === undefined) {
      const known = this.#hub.feeds.map(({ name }) => name).join(', ')
      throw new SubscribeError('feed_unknown', `no feed ${shown(frame.feed)} here; there is ${known}`, frame.id)
    }
    const delivery = deliveryOf(frame, feed, this.#rights)
    const open = this.#subscriptions.get(frame.id)
    const options = {
      view: feed.views.open(frame.fields),
      delivery,
      periodMs: this.#rights.periodMs(frame.maxRate, open),
      image: frame.image ?? true,
      history: frame.history ?? 0,
    }
    if (open !== undefined) {
      feed.views.close(options.view)
      if (open.feed === feed && open.sameOptions(options)) return open
      throw new SubscribeError('options_differ', `subscription ${frame.id} is open with another feed or other options`, frame.id)
    }
    const subscription = new Subscription(this.#owner, frame.id, feed, options)
    this.#subscriptions.set(frame.id, subscription)
    this.#feeds[feed.index] = (this.#feeds[feed.index] ?? 0) + 1
    return subscription
  }

  #denial(feed: Feed, why = 'the token does not give access to it'): string {
    return `${why}${this.#insteadOf(feed)}`
  }

  /** The feed that shows this one later, where the token gives that. */
  #insteadOf({ name }: Feed): string {
    const delayed = this.#hub.feeds.find((feed) => feed.options.delay?.of === name && this.#rights.hasFeed(feed))
    return delayed === undefined ? '' : `; feed ${delayed.name} shows it with a delay of ${delayed.options.delay!.delayMs / 1000} s`
  }

  #subscribeName(subscription: Subscription, answers: Answers, name: string, frame: SubscribeFrame): void {
    if (!isValidName(name)) {
      answers.refuse('symbol', shown(name), 'symbol_invalid', `a symbol is ${NAME_RULE}`)
      return
    }
    if (!this.#rights.allows(subscription.feed, name)) {
      answers.refuse('symbol', name, 'not_entitled', this.#denial(subscription.feed))
      return
    }
    const open = subscription.entries.get(name)
    const begin = beginOf(frame, name)
    const entry = open ?? this.#attachNamed(subscription, answers, name, begin)
    if (entry === undefined) return
    entry.named = true
    this.#confirmed?.add(entry)
    this.#answerOrWait(entry, answers, begin, open !== undefined)
  }

  #subscribePattern(subscription: Subscription, answers: Answers, text: string, frame: SubscribeFrame): void {
    if (!isValidName(text)) {
      answers.refuse('pattern', shown(text), 'pattern_invalid', `a pattern is ${NAME_RULE}`)
      return
    }
    if (!this.#rights.meets(subscription.feed, text)) {
      answers.refuse('pattern', text, 'not_entitled', this.#denial(subscription.feed))
      return
    }
    const again = subscription.patterns?.has(text) === true
    const objection = again ? null : this.#noRoomFor(subscription.feed, text)
    if (objection !== null) {
      answers.refuse('pattern', text, 'subscriptions_limit', objection)
      return
    }
    answers.takeBack('pattern', text)
    if (!again) this.#count(subscription.feed, 1)
    this.#confirmed?.add(patternKey(subscription, text))
    const pattern = this.#hub.addPattern(subscription, text, frame.from)
    this.#remember(subscription, pattern, frame)
    if (pattern.readiness === 'ready') this.#look(subscription, pattern, again)
    else if (!again) {
      answers.outstanding++
      this.#work.asked()
    }
  }

  #count({ index }: Feed, more: 1 | -1): void {
    this.#patterns += more
    this.#patternsOf[index] = (this.#patternsOf[index] ?? 0) + more
  }

  #noRoomFor(feed: Feed, text: string): string | null {
    if (this.#isFull) return this.#limitMessage
    const { patternsMax, feedPatternsMax } = this.#rights
    if ((this.#patternsOf[feed.index] ?? 0) >= patternsMax)
      return `a session holds at most ${patternsMax} patterns of a feed; those before are kept`
    // A balancer that cannot look would take this node for a broken one.
    if (feed.patterns.size < feedPatternsMax || feed.patterns.has(text) || text === PROBE_PATTERN) return null
    return `${this.#hub.nodeId} holds at most ${feedPatternsMax} patterns of feed ${feed.name} for all of its sessions`
  }

  /** From where the pattern's symbols are to be given when it can be answered. */
  #remember(subscription: Subscription, { pattern, matches }: PatternState, frame: SubscribeFrame): void {
    if (frame.from === undefined && frame.since === undefined) return
    this.#resumePatterns ??= new PatternPositions()
    this.#resumePatterns.remember(patternKey(subscription, pattern), frame, matches, this.#rights.symbolsMax)
  }

  /** Looks for what there is of a pattern. It is answered when that is known: at once, or some turns later. */
  #look(subscription: Subscription, pattern: PatternState, again: boolean): void {
    const answers = this.#answers.of(subscription)
    answers.outstanding++
    const isNew = this.#looks.start(subscription, pattern, again, (symbols, isAgain) => {
      this.#bring(subscription, pattern, symbols, isAgain)
      this.#owner.owes()
    })
    if (!isNew) answers.outstanding--
  }

  /** The rights are others than when its symbols were looked for. */
  #lookAnew(subscription: Subscription, pattern: PatternState): void {
    const again = this.#giveUp(subscription, pattern.pattern)
    if (pattern.readiness === 'ready') this.#look(subscription, pattern, again)
  }

  /** Looks for a pattern's symbols no longer. @returns whether they were to be given anew. */
  #giveUp(subscription: Subscription, text: string): boolean {
    const again = this.#looks.giveUp(subscription, text)
    if (again === null) return false
    const answers = this.#answers.of(subscription)
    if (answers.outstanding > 0) answers.outstanding--
    return again
  }

  /** Brings what there is of a pattern. All of it or nothing: a receiver could not know what is missing. */
  #bring(subscription: Subscription, pattern: PatternState, symbols: readonly SymbolState[], again: boolean): void {
    const answers = this.#answers.of(subscription)
    if (answers.outstanding > 0) answers.outstanding--
    const begins = this.#resumePatterns?.take(patternKey(subscription, pattern.pattern)) ?? NOWHERE
    const more = symbols.reduce((sum, { name }) => (subscription.entries.has(name) ? sum : sum + 1), 0)
    if (more > this.#room) return this.#outgrown(subscription, answers, pattern)
    this.#work.brought(symbols.length)
    for (const symbol of symbols) this.#match(subscription, answers, pattern, symbol, begins, again)
  }

  /** There is no room for what a pattern matches. */
  #outgrown(subscription: Subscription, answers: Answers, pattern: PatternState): void {
    const message = `it matches more than there is room for: ${this.#limitMessage}`
    this.#over(subscription, answers, pattern, 'subscriptions_limit', message)
  }

  /** A pattern brings nothing any more. What it has brought stays, as if it had been named. */
  #over(subscription: Subscription, answers: Answers, { pattern }: PatternState, code: string, message: string): void {
    for (const entry of subscription.entries.values()) {
      if (entry.patterns?.delete(pattern) !== true) continue
      entry.named = true
      this.#confirmed?.add(entry)
    }
    this.#giveUp(subscription, pattern)
    this.#hub.removePattern(subscription, pattern)
    this.#count(subscription.feed, -1)
    answers.refuse('pattern', pattern, code, message)
  }

  /** @param again the receiver named the pattern once more, and gets everything of it anew that it does not name itself. */
  #match(subscription: Subscription, answers: Answers, pattern: PatternState, symbol: SymbolState, begins: Begins, again: boolean): void {
    const open = subscription.entries.get(symbol.name)
    const begin = begins(symbol.name)
    const entry = open ?? this.#attach(subscription, symbol, begin)
    ;(entry.patterns ??= new Set()).add(pattern.pattern)
    // What is named is synchronised by its name, perhaps from a position in another frame, which must not be undone here.
    const isAgain = again && !this.#isConfirmedByName(entry)
    if (open === undefined || isAgain || begin !== undefined) this.#answerOrWait(entry, answers, begin, open !== undefined)
  }

  #isConfirmedByName(entry: Entry): boolean {
    return this.#confirmed === null ? entry.named : this.#confirmed.has(entry)
  }

  /** A pattern counts as a symbol, even while none matches it: it is held and matched all the same. */
  get #room(): number {
    return this.#rights.symbolsMax - this.#symbols - this.#patterns
  }

  get #isFull(): boolean {
    return this.#room <= 0
  }

  get #limitMessage(): string {
    return `a session holds at most ${this.#rights.symbolsMax} symbols and patterns; those before are kept`
  }

  get #unknownMessage(): string {
    return `no record of it is known, and a session holds at most ${this.#rights.unknownSymbolsMax} such symbols`
  }

  #attachNamed(subscription: Subscription, answers: Answers, name: string, begin: Begin | undefined): Entry | undefined {
    if (this.#isFull) {
      answers.refuse('symbol', name, 'subscriptions_limit', this.#limitMessage)
      return undefined
    }
    const symbol = subscription.feed.obtain(name)
    if (symbol !== undefined) return this.#attach(subscription, symbol, begin)
    answers.refuse('symbol', name, 'symbol_unknown', `feed ${subscription.feed.name} holds as many symbols as it may`)
    return undefined
  }

  #attach(subscription: Subscription, symbol: SymbolState, begin: Begin | undefined): Entry {
    this.#symbols++
    return this.#hub.attach(subscription, symbol, this.#freeRefs?.pop() ?? this.#nextRef++, begin?.from)
  }

  #answerOrWait(entry: Entry, answers: Answers, begin: Begin | undefined, again: boolean): void {
    if (entry.symbol.readiness === 'ready') {
      this.#answer(entry, answers, begin)
      return
    }
    // Named again before it was answered: one answer is given, to the newest.
    if (begin !== undefined) (this.#resume ??= new Map()).set(entry, begin)
    else this.#resume?.delete(entry)
    if (!again || entry.answered) answers.outstanding++
    entry.answered = false
  }

  #answer(entry: Entry, answers: Answers, begin: Begin | undefined): void {
    if (!this.#unknown.hold(entry, this.#rights.unknownSymbolsMax)) {
      this.#hub.detach(entry)
      this.#forget(entry)
      answers.refuse('symbol', entry.symbol.name, 'symbol_unknown', this.#unknownMessage)
      return
    }
    const state = positionReceiver(entry, begin)
    entry.whole = true
    if (!entry.inForce) {
      entry.inForce = true
      this.digest.add(entry.subscription.id, entry.symbol.name)
    }
    entry.answered = true
    answers.ok([entry.symbol.name, entry.ref, state])
    // What is there now goes out only where the answer promises it.
    entry.looked()
    if (state === 'snapshot' || state === 'recovered') this.#due.promise(entry)
  }

  /** Drops the entry if nothing but its name brought it. */
  #unname(entry: Entry): void {
    entry.named = false
    if ((entry.patterns?.size ?? 0) === 0) this.#drop(entry)
  }

  #drop(entry: Entry): void {
    this.#hub.detach(entry)
    if (!entry.answered) {
      const answers = this.#answers.of(entry.subscription)
      if (answers.outstanding > 0) answers.outstanding--
    }
    this.#forget(entry)
  }

  #forget(entry: Entry): void {
    this.#symbols--
    this.#unknown.drop(entry)
    this.#resume?.delete(entry)
    ;(this.#freeRefs ??= []).push(entry.ref)
    if (entry.inForce) this.digest.remove(entry.subscription.id, entry.symbol.name)
    entry.inForce = false
  }

  #dropPattern(subscription: Subscription, text: string, dropped: string[]): void {
    const waiting = subscription.feed.patterns.get(text)?.readiness === 'waiting'
    this.#giveUp(subscription, text)
    this.#hub.removePattern(subscription, text)
    this.#resumePatterns?.delete(patternKey(subscription, text))
    this.#count(subscription.feed, -1)
    if (waiting) {
      const answers = this.#answers.of(subscription)
      if (answers.outstanding > 0) answers.outstanding--
    }
    dropped.push(text)
    for (const entry of [...subscription.entries.values()]) {
      if (entry.patterns?.delete(text) !== true || entry.named || entry.patterns.size > 0) continue
      this.#drop(entry)
      dropped.push(entry.symbol.name)
    }
  }

  #closeIfEmpty(subscription: Subscription): void {
    if (subscription.entries.size > 0 || (subscription.patterns?.size ?? 0) > 0 || this.#answers.has(subscription)) return
    if (!this.#subscriptions.delete(subscription.id)) return
    this.#feeds[subscription.feed.index]!--
    subscription.feed.views.close(subscription.view)
  }
}
