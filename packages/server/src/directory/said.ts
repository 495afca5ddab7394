import type { LogRecord } from '../log/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { Catalogue } from './catalogue.ts'
import type { ControlKind, IgnoredWhy, LastingRecord, Word } from './control-record.ts'
import type { CatalogueFeed } from './directory.ts'
import { GreyBook, type GreyRelease, type GreyStop } from './grey.ts'
import { LastingRecords } from './lasting-records.ts'
import type { NodeTable } from './node-table.ts'
import { type Revocation, revocationKey, RevocationTable } from './revocations.ts'
import { whoSaid } from './saying.ts'

/**
 * All that one control topic says that holds until something newer is said: operators' words, catalogue, grey release,
 * revocations. Each says of itself what it is newer than, so it does not matter in which order, or how often, it is read.
 */
export class Said {
  readonly catalogue = new Catalogue()
  readonly grey = new GreyBook()
  readonly revocations = new RevocationTable()
  readonly lasting = new LastingRecords()
  /** Holds the words. */
  readonly #table: NodeTable
  readonly #logger: Logger

  constructor(table: NodeTable, logger: Logger) {
    this.#table = table
    this.#logger = logger
  }

  /** @param at `wasThere`: it was in the log before reading began, and is no news. */
  take(read: LastingRecord, record: LogRecord, at: { readonly wasThere: boolean; readonly nowMs: number }): void {
    const counts = this.#counts(read, at.wasThere)
    const { offset, timestampMs: writtenAtMs } = record
    const until = read.kind === 'revoke' ? { untilMs: read.revocation.untilMs } : {}
    const value = Buffer.from(record.value!).toString('utf8')
    const key = `${read.kind}/${read.name}`
    const isOlder = this.lasting.heard({ key, value, offset, writtenAtMs, ...until }, counts, at.nowMs)
    if (isOlder && !at.wasThere)
      this.#logger.warn('control_record_outdated', `${key} was written with less than what holds by now, which is written again`, { key })
  }

  ignored({ why, key }: { readonly why: IgnoredWhy; readonly key: string }, nowMs: number): void {
    // What a later version wrote is for nodes of that version to keep.
    if (why === 'newer_version') this.lasting.forget(key)
    else this.lasting.overwritten(key, nowMs)
  }

  /** A tombstone. Nodes write it for what means nothing any more; by hand it takes back what was said, for those who hear it. */
  removed(of: Exclude<ControlKind, 'lease'>, name: string): void {
    this.lasting.forget(`${of}/${name}`)
    if (of === 'grey') this.grey.forget()
    else if (of === 'stop') this.grey.forgetStop()
    else if (of === 'revoke') this.revocations.remove(name)
    else if (of === 'word') this.#table.unsay(name)
    else this.catalogue.remove(name)
  }

  /** Of the topic of another zone, which those whose it is have made anew. */
  forget(): void {
    this.catalogue.forget()
    this.#table.forgetWords()
  }

  /** @returns whether it holds from now on: else something newer does. */
  #counts(read: LastingRecord, wasThere: boolean): boolean {
    switch (read.kind) {
      case 'word':
        return this.#told(read.name, read.word, wasThere)
      case 'feed':
        return this.#moved(read.feed, wasThere)
      case 'revoke':
        return this.#revoked(read.name, read.revocation, wasThere)
      case 'grey':
        return this.#released(read.release, wasThere)
      case 'stop':
        return this.#stopped(read.stop, wasThere)
    }
  }

  #told(name: string, word: Word, wasThere: boolean): boolean {
    const before = this.#table.wordOf(name)?.word
    if (!this.#table.say(name, word)) return false
    if (!wasThere && word.word !== before)
      this.#logger.info('node_word', `${name} was told: ${word.word}, by ${whoSaid(word)}`, { of: name, by: word.by ?? null })
    return true
  }

  #moved(feed: CatalogueFeed, wasThere: boolean): boolean {
    const before = this.catalogue.feeds.get(feed.feed)
    if (!this.catalogue.take(feed)) return false
    const { current, next, said } = feed
    const what = `feed ${feed.feed} is on ${current.topic}${next === null ? '' : ` and moves to ${next.topic}`}`
    if (!wasThere && before?.revision !== feed.revision)
      this.#logger.info('feed_said', `${what}, says ${whoSaid(said)}`, { feed: feed.feed, by: said?.by ?? null })
    return true
  }

  #released(release: GreyRelease, wasThere: boolean): boolean {
    const before = this.grey.saidAtMs
    if (!this.grey.say(release)) return false
    const { percent, users, by = null, atMs } = release
    const what = this.grey.policy === null ? 'nobody takes part' : `${percent} % of all users and ${users.length} named ones take part`
    if (!wasThere && before !== atMs) this.#logger.info('grey_said', `${what} in the grey release, says ${whoSaid(release)}`, { by })
    return true
  }

  #stopped(stop: GreyStop, wasThere: boolean): boolean {
    const counts = this.grey.stop(stop)
    if (counts && !wasThere && this.grey.policy?.stopped === stop)
      this.#logger.warn('grey_stopped', `${stop.by} stopped the grey release: ${stop.reason}`, { by: stop.by })
    return counts
  }

  #revoked(key: string, revocation: Revocation, wasThere: boolean): boolean {
    const { of, name, atMs, by } = revocation
    const before = this.revocations.find(of, name)
    if (before !== undefined && before.atMs > atMs) return false
    const dropped = this.revocations.set(key, revocation)
    if (!wasThere && before?.atMs !== atMs)
      this.#logger.info('token_revoked', `${by ?? 'somebody'} revoked tokens, by ${of}`, { key, by: by ?? null })
    if (dropped === undefined) return true
    this.lasting.forget(`revoke/${revocationKey(dropped.of, dropped.name)}`)
    this.#logger.error('revocations_full', `more than ${this.revocations.size} revocations are held: one does not count any more`, {})
    return dropped !== revocation
  }
}
