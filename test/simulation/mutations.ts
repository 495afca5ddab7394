/**
 * Defects, each of which some promise forbids. The simulation has to find every one of them: what it cannot find, it does
 * not guard. A text that no longer stands in its file makes the run fail; the mutation then has to follow the sources.
 */
export interface Mutation {
  readonly name: string
  /** From the root of the project. */
  readonly file: string
  /** Stands there exactly once. */
  readonly text: string
  readonly instead: string
}

const SESSION = 'packages/server/src/session'
const GATEWAY = 'packages/server/src/gateway'
const HUB = 'packages/server/src/hub'
const CLIENT = 'packages/client/src'

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a link that comes back is not asked again for what is wanted',
    file: `${GATEWAY}/arbiter.ts`,
    text: 'for (const feed of this.#hub.feeds) this.#asker.askAll(link, book, feed, this.#sources)',
    instead: 'if (this.#books.size < 2) for (const feed of this.#hub.feeds) this.#asker.askAll(link, book, feed, this.#sources)',
  },
  {
    name: 'a gateway follows whatever generation a node announces',
    file: `${GATEWAY}/followed.ts`,
    text: 'newer.filter((generation) => isConfirmed(catalogued, generation))',
    instead: 'newer.filter((generation) => generation > 1 || isConfirmed(catalogued, generation))',
  },
  {
    name: 'what nobody wants any more is not let go',
    file: `${GATEWAY}/sources.ts`,
    text: 'for (const [link, book] of this.#books) this.#releaseFrom(link, book, sources)',
    instead: '',
  },
  {
    name: 'a gateway takes older records for newer ones',
    file: `${HUB}/symbol.ts`,
    text: 'comparePositions(place, place.ts, this, this.ts) > 0',
    instead: 'comparePositions(place, place.ts, this, this.ts) !== 0',
  },
  {
    name: 'digests are never compared',
    file: `${SESSION}/pulse-outbox.ts`,
    text: 'return this.#digests.compare(ack)',
    instead: `return ack === null ? this.#digests.compare(ack) : 'same'`,
  },
  {
    name: 'a receiver acknowledges an empty set',
    file: `${GATEWAY}/link.ts`,
    text: 'pulse: this.#highestPulse, count: this.digest.count, digest: this.digest.value',
    instead: 'pulse: this.#highestPulse, count: 0, digest: 0',
  },
  {
    name: 'a pulse is sent before the updates that precede it',
    file: `${SESSION}/outbox.ts`,
    text: 'if (this.#due.isEmpty) return this.pulses.write(composer, nowMs, counts)',
    instead: 'if (this.#due !== undefined) return this.pulses.write(composer, nowMs, counts)',
  },
  {
    name: 'nobody who comes while a partition is stale is told',
    file: `${SESSION}/session.ts`,
    text: 'if (stale !== null) this.stale(feed, [partition], stale)',
    instead: 'void [partition, stale]',
  },
  {
    name: 'a client forgets that a partition was said to be stale',
    file: `${CLIENT}/freshness/session-freshness.ts`,
    text: 'this.#feed(frame.feed).stale(frame, frame.since - (this.#offsetMs() ?? 0))',
    instead: '',
  },
  {
    name: 'a client does not judge by itself',
    file: `${CLIENT}/freshness/partition.ts`,
    text: 'if (ageMs <= context.staleAfterMs) return context.live',
    instead: 'if (ageMs <= context.staleAfterMs * 4) return context.live',
  },
  {
    name: 'conflation drops the newest',
    file: `${SESSION}/due-queue.ts`,
    text: 'if (seen[at] === symbols[at]!.count) continue',
    instead: 'if (seen[at] === symbols[at]!.count || symbols[at]!.count % 5 === 0) continue',
  },
  {
    name: 'what is conflated is not counted',
    file: `${SESSION}/composer-bin.ts`,
    text: 'const n = held < 0 ? 0 : symbol.count - held',
    instead: 'const n = held < 0 ? 0 : 1',
  },
  {
    name: 'told in steps from a state that the receiver does not hold',
    file: `${SESSION}/composer-bin.ts`,
    text: 'const isNext = !whole && held === symbol.previousCount',
    instead: 'const isNext = !whole',
  },
  {
    name: 'resuming begins one record too late',
    file: `${SESSION}/resume.ts`,
    text: `  if (item !== undefined) {
    entry.held = item.count`,
    instead: `  if (item !== undefined) {
    entry.held = item.count + 1`,
  },
  {
    name: 'a position that is not held any more is resumed all the same',
    file: `${SESSION}/resume.ts`,
    text: `oldest.prev !== from.offset || oldest.partition !== from.partition`,
    instead: `oldest.partition !== from.partition`,
  },
  {
    name: 'a gap in history is not told',
    file: `${SESSION}/write-entry.ts`,
    text: 'if (n > item.n) writeGap(composer, entry)',
    instead: 'if (n > item.n) entry.whole = true',
  },
  {
    name: 'a gateway takes records that leave a hole',
    file: `${GATEWAY}/arbiter.ts`,
    text: 'else if (again === null && symbol.feed.history !== null && this.#chain.breaks(link, book, source, image)) return false',
    instead: 'else if (again === null && symbol.feed.history !== null) book.resumed.delete(image.ref)',
  },
  {
    name: 'a gateway waits for no slower link before it tells a gap',
    file: `${GATEWAY}/record-chain.ts`,
    text: 'if (this.#host.isBroughtByOthers(link, source, image.partition)) return this.#host.uncover(link, source)',
    instead: '',
  },
  {
    name: 'who was told that there is nothing is not told of a gap before the first record',
    file: `${GATEWAY}/symbol-source.ts`,
    text: 'return this.symbol.offset >= 0 || this.saidEmpty',
    instead: 'return this.symbol.offset >= 0',
  },
  {
    name: 'what a pattern left out is not asked for by name',
    file: `${GATEWAY}/arbiter.ts`,
    text: 'this.#byName.patternSettled(feed, pattern)',
    instead: '',
  },
  {
    name: 'a ref is used again while its row is in force',
    file: `${SESSION}/table.ts`,
    text: 'this.#freeRefs?.pop() ?? this.#nextRef++',
    instead: 'this.#freeRefs?.at(-1) ?? this.#nextRef++',
  },
  {
    name: 'coverage passes over what no link covers',
    file: `${GATEWAY}/coverage.ts`,
    text: 'if (newest === undefined || claim === undefined) return undefined',
    instead: 'if (newest === undefined || claim === undefined) continue',
  },
  {
    name: 'coverage takes the newest pulse of any link',
    file: `${GATEWAY}/coverage.ts`,
    text: 'if (compare(newest, claim) < 0) claim = newest',
    instead: '',
  },
  {
    name: 'a link covers a symbol before its image has come',
    file: `${GATEWAY}/arbiter.ts`,
    text: `if (source !== undefined && (row[2] === 'empty' || row[2] === 'changes')) this.#cover(link, source)`,
    instead: 'if (source !== undefined) this.#cover(link, source)',
  },
  {
    name: 'a link that is lost still covers',
    file: `${GATEWAY}/arbiter.ts`,
    text: `    this.#proof.forget(link.index)
    for (const source of this.#sources) {
      this.#proof.setCovered(source, source.covered & ~link.bit)`,
    instead: `    for (const source of this.#sources) {`,
  },
  {
    name: 'pulses are not acknowledged',
    file: `${GATEWAY}/link.ts`,
    text: 'if (this.#highestPulse > 0) this.send(',
    instead: 'if (this.#highestPulse < 0) this.send(',
  },
  {
    name: 'marks are not acknowledged',
    file: `${GATEWAY}/link.ts`,
    text: `return this.send({ t: 'ack', mark: frame.mark })`,
    instead: 'return',
  },
  {
    name: 'a flow window that closed never opens',
    file: `${SESSION}/flow.ts`,
    text: 'this.#ackedBytes = Math.max(this.#ackedBytes, tag.sentBytes)',
    instead: 'if (this.openBytes > 0) this.#ackedBytes = Math.max(this.#ackedBytes, tag.sentBytes)',
  },
  {
    name: 'a merge loses a field',
    file: `${HUB}/symbol.ts`,
    text: 'const touched: boolean[] | null = merge ? null : []',
    instead: 'const touched: boolean[] | null = merge && this.count % 7 !== 0 ? null : []',
  },
  {
    name: 'fields that were not there before are not told of as changed',
    file: `${HUB}/symbol.ts`,
    text: 'this.changedAt[index] = this.count',
    instead: 'if (old !== undefined) this.changedAt[index] = this.count',
  },
  {
    name: 'a deletion is not passed on',
    file: `${GATEWAY}/received.ts`,
    text: 'if (image.deleted) symbol.applyDelete(place)',
    instead: 'if (image.deleted) return',
  },
  {
    name: 'the clock offset of a link has the wrong sign',
    file: `${GATEWAY}/link.ts`,
    text: 'const at = frame.at - this.#offset.knownMs!',
    instead: 'const at = frame.at + this.#offset.knownMs!',
  },
  {
    name: 'the clock offset of a client has the wrong sign',
    file: `${CLIENT}/freshness/session-freshness.ts`,
    text: 'nowMs + offsetMs - frame.at',
    instead: 'nowMs - offsetMs - frame.at',
  },
  {
    name: 'a reader that stalls is not made anew',
    file: 'packages/server/src/push/topic-reader.ts',
    text: 'const REBUILD_AFTER_MS = 10_000',
    instead: 'const REBUILD_AFTER_MS = 1e9',
  },
  {
    name: 'a silent link is kept',
    file: `${GATEWAY}/link.ts`,
    text: 'if (silentMs > SILENT_MS_MAX) return',
    instead: 'if (silentMs > SILENT_MS_MAX * 1e6) return',
  },
  {
    name: 'what an upstream node did not answer is not said again',
    file: `${GATEWAY}/link.ts`,
    text: 'for (const frame of this.#unanswered.overdue(nowMs, ASK_AGAIN_AFTER_MS)) this.send(frame)',
    instead: '',
  },
  {
    name: 'a new symbol of a pattern is not told',
    file: `${HUB}/hub.ts`,
    text: 'if (appeared && symbol.feed.patterns.size > 0) this.#match(symbol)',
    instead: '',
  },
  {
    name: 'a balancer hands out whoever it knows',
    file: 'packages/server/src/balancer/verdict/judge.ts',
    text: 'const findings = [...judgeWord(input.node), ...judgeLease(input)]',
    instead: 'const findings: Finding[] = []\n  if (input.nowMs > 0) return findings',
  },
  {
    name: 'a balancer whose gateways all fail at once has nobody',
    file: 'packages/server/src/balancer/verdict/usable.ts',
    text: "if (knownGood.length > 0) return usable(knownGood, 'probes_failed')",
    instead: 'if (spared.length >= 0) return usable([], null)',
  },
  {
    name: 'a balancer that stood still takes its verdicts for new',
    file: 'packages/server/src/balancer/verdict/verdict-book.ts',
    text: 'return nowMs - this.#judgedAtMs > VERDICTS_OLD_MS',
    instead: 'return false',
  },
  {
    name: 'a push node takes what comes behind a hole',
    file: 'packages/server/src/push/continuity.ts',
    text: 'if (span.from !== next) return false',
    instead: 'if (next >= 0) return true',
  },
]
