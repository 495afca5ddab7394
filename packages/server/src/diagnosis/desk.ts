import { createHmac, randomBytes } from 'node:crypto'
import type { AskCode, AskFrame, ToldFrame } from '@pulsewire/protocol'
import { AskAudit } from '../runtime/ask-audit.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Secret } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { Quota } from '../runtime/quota.ts'
import { type Answer, AskError } from './answer.ts'
import { askWatchdog, BEYOND_QUESTIONS } from './beyond.ts'
import { Forward } from './forward.ts'
import { LocalAnswer } from './local-answer.ts'
import type { AskPeer, Asks } from './peer.ts'
import { isProven, prove, type Question, questionOf } from './proof.ts'

/** Questions that are worked on or passed on at once. */
const RUNNING_MAX = 32
/** Questions taken at once, and a second in the long run. */
const BURST = 200
const PER_SECOND = 50
/** Unproven questions of one connection; then it is not listened to any more. */
const UNPROVEN_MAX = 3
/** Unproven questions that are written down, at once and a second. */
const TELL_BURST = 10
const TELL_PER_SECOND = 0.2
const PATH_MAX = 8
const NO_WATCHDOG =
  'its watchdog takes no questions that are known of here (watchdog.probes, operator): what it writes is on its machine, where line report_written of its log output says'

/** By this a node says who it is and what questions to it have to be proven for. */
export const NEIGHBOUR = 'neighbour'

export interface AskDeskOptions {
  readonly node: string
  readonly secret: Secret
  readonly clock: Clock
  readonly logger: Logger
  /** Where a node's watchdog takes questions by itself, when that is known. Default: it is of none. */
  readonly watchdogOf?: (node: string) => string | undefined
}

interface Neighbour {
  readonly peer: AskPeer
  readonly nonce: string
}

type Running = LocalAnswer | Forward

/** What is known of one connection over which something was asked. */
interface Book {
  lastId: number
  unproven: number
  readonly running: Map<number, Running>
}

/**
 * Takes the questions that come over a node's connections: proven by the operator secret, written down, limited. Answers
 * those for this node and passes on the others, the answers likewise; docs/decisions/0018-questions-in-band.md.
 */
export class AskDesk implements Asks {
  readonly node: string
  /** What this node answers; its role and its process add to it. */
  readonly answers = new Map<string, Answer>()
  readonly #options: AskDeskOptions
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #books = new Map<AskPeer, Book>()
  /** Of questions that were passed on, by the id that they have on the next hop. */
  readonly #forwards = new Map<number, Forward>()
  readonly #audit: AskAudit
  readonly #quota: Quota
  readonly #tellQuota: Quota
  readonly #nonceKey = randomBytes(32)
  #nextId = 1
  #running = 0

  constructor(options: AskDeskOptions) {
    this.node = options.node
    this.#options = options
    this.#audit = new AskAudit(options)
    this.#quota = new Quota(options.clock, BURST, PER_SECOND)
    this.#tellQuota = new Quota(options.clock, TELL_BURST, TELL_PER_SECOND)
  }

  /** Nodes that questions can be passed on to. */
  get neighbours(): readonly string[] {
    return [...this.#neighbours.keys()]
  }

  /** Not kept with each session, of which there are very many. */
  nonceOf(session: string): string {
    return createHmac('sha256', this.#nonceKey).update(session).digest('base64url').slice(0, 22)
  }

  /** It may ask through this node as well, so it is told who is at this end. */
  met(peer: AskPeer, node: string, nonce: string): void {
    this.#neighbours.set(node, { peer, nonce })
    this.#askNext({ peer, nonce }, { path: [], question: NEIGHBOUR, args: { node: this.node, asks: peer.askNonce }, who: this.node })
  }

  lost(peer: AskPeer): void {
    for (const [node, neighbour] of this.#neighbours) if (neighbour.peer === peer) this.#neighbours.delete(node)
    const book = this.#books.get(peer)
    this.#books.delete(peer)
    for (const running of book?.running.values() ?? []) running.cancel()
    for (const forward of [...this.#forwards.values()]) if (forward.next === peer) forward.lost()
  }

  frame(peer: AskPeer, frame: AskFrame | ToldFrame): void {
    if (frame.t === 'told') this.#told(peer, frame)
    else if (frame.question === undefined) this.#word(peer, frame)
    else this.#asked(peer, questionOf(frame), frame.proof ?? '')
  }

  #told(peer: AskPeer, frame: ToldFrame): void {
    const forward = this.#forwards.get(frame.id)
    if (forward !== undefined) forward.told(frame, peer)
    else if (frame.code === 'ask_unproven' && this.#tellQuota.take()) {
      const message = `${frame.node} has another operator secret than ${this.node}: no question gets from one to the other`
      this.#options.logger.warn('operator_secret_differs', message, {})
    }
  }

  /** On a question that is under way. */
  #word(peer: AskPeer, { id, ack, cancel }: AskFrame): void {
    const running = this.#books.get(peer)?.running.get(id)
    if (cancel === true) running?.cancel()
    else if (ack !== undefined) running?.acked(ack)
  }

  #asked(peer: AskPeer, question: Question, proof: string): void {
    let book = this.#books.get(peer)
    if (book === undefined) this.#books.set(peer, (book = { lastId: 0, unproven: 0, running: new Map() }))
    const refuse = (code: AskCode, message: string): void => this.#refuse(peer, question.id, code, message)
    if (book.unproven >= UNPROVEN_MAX) return refuse('ask_unproven', 'this connection is not listened to any more')
    const isNew = question.id > book.lastId
    if (!isNew || !isProven(this.#options.secret, peer.askNonce, question, proof)) {
      book.unproven++
      this.#tellUnproven(peer, question)
      return refuse('ask_unproven', `the proof is not by the operator secret of ${this.node}, or the question was asked before`)
    }
    book.lastId = question.id
    if (question.question === NEIGHBOUR) return this.#isNeighbour(peer, question)
    if (!this.#quota.take()) return refuse('ask_too_many', `${this.node} takes ${PER_SECOND} questions a second`)
    if (this.#running >= RUNNING_MAX) return refuse('ask_too_many', `${this.node} works on ${RUNNING_MAX} questions at once`)
    if (question.path.length > PATH_MAX) return refuse('ask_no_way', `more than ${PATH_MAX} nodes on the way`)
    this.#writeDown(peer, question)
    if (question.path.length > 0) this.#passOn(peer, book, question)
    else this.#answer(peer, book, question)
  }

  #isNeighbour(peer: AskPeer, { id, args }: Question): void {
    const { node, asks } = args
    if (node !== undefined && asks !== undefined) this.#neighbours.set(node, { peer, nonce: asks })
    peer.ask({ t: 'told', id, node: this.node, last: true })
  }

  #writeDown({ askedFrom: from }: AskPeer, { question, path, args, who }: Question): void {
    this.#audit.write({ who, question, target: path.at(-1) ?? this.node, args, path, from })
  }

  #tellUnproven({ askedFrom }: AskPeer, { question, path, who }: Question): void {
    if (!this.#tellQuota.take()) return
    const target = path.at(-1) ?? this.node
    const message = `somebody who says to be ${JSON.stringify(who)} asks ${target} for ${JSON.stringify(question)}, without proof`
    this.#options.logger.warn('ask_unproven', message, { from: askedFrom })
  }

  #answer(peer: AskPeer, book: Book, { id, question, args }: Question): void {
    const answer = this.answers.get(question)
    if (answer === undefined) {
      const known = [...this.answers.keys()].join(', ')
      return this.#refuse(peer, id, 'ask_unknown', `${this.node} has no question ${JSON.stringify(question)}; it has ${known}`)
    }
    this.#run(peer, book, { id, node: this.node, args }, answer)
  }

  #run(peer: AskPeer, book: Book, { id, node, args }: Pick<Question, 'id' | 'args'> & { readonly node: string }, answer: Answer): void {
    const { clock } = this.#options
    const running = new LocalAnswer({ id, node, clock, say: (frame) => peer.ask(frame), ended: () => this.#ended(book, id) })
    this.#began(book, id, running)
    void running.run(answer, args)
  }

  /** The last node of the way is not to be reached in band: its watchdog is asked on its own socket, where it has one. */
  #beyond(peer: AskPeer, book: Book, { id, path, question, args, who }: Question): ((why: AskError) => void) | undefined {
    const [node] = path
    if (node === undefined || path.length > 1 || !BEYOND_QUESTIONS.includes(question)) return undefined
    const { watchdogOf = () => undefined, secret } = this.#options
    return (why) => {
      const address = watchdogOf(node)
      if (address === undefined) return this.#refuse(peer, id, why.code as AskCode, `${why.message}; ${NO_WATCHDOG}`)
      this.#run(peer, book, { id, node, args }, async (_, signal) => {
        try {
          return await askWatchdog(address, secret, { question, args, who }, signal)
        } catch (error) {
          if (!(error instanceof AskError) || error.code !== 'ask_no_answer') throw error
          throw new AskError('ask_no_answer', `${why.message}; ${error.message}`, { cause: error })
        }
      })
    }
  }

  #passOn(peer: AskPeer, book: Book, question: Question): void {
    const [next, ...rest] = question.path as [string, ...string[]]
    const neighbour = this.#neighbours.get(next)
    const instead = this.#beyond(peer, book, question)
    if (neighbour === undefined) {
      const known = this.neighbours.join(', ') || 'none'
      const why = `${this.node} has no link to ${next} that takes questions; it has: ${known}`
      return instead === undefined ? this.#refuse(peer, question.id, 'ask_no_way', why) : instead(new AskError('ask_no_way', why))
    }
    const forward: Forward = new Forward({
      id: question.id,
      node: this.node,
      nextNode: next,
      next: neighbour.peer,
      nextId: this.#nextId,
      hopsBehind: rest.length,
      question: question.question,
      clock: this.#options.clock,
      say: (frame) => peer.ask(frame),
      ended: () => {
        this.#forwards.delete(forward.nextId)
        this.#ended(book, question.id)
      },
      ...(instead === undefined ? {} : { instead }),
    })
    this.#forwards.set(forward.nextId, forward)
    this.#began(book, question.id, forward)
    this.#askNext(neighbour, { ...question, path: rest })
  }

  #askNext({ peer, nonce }: Neighbour, { path, question, args, who }: Omit<Question, 'id'>): void {
    const own = { id: this.#nextId++, path, question, args, who }
    peer.ask({ t: 'ask', ...own, proof: prove(this.#options.secret, nonce, own) })
  }

  #began(book: Book, id: number, running: Running): void {
    book.running.set(id, running)
    this.#running++
  }

  #ended(book: Book, id: number): void {
    if (book.running.delete(id)) this.#running--
  }

  #refuse(peer: AskPeer, id: number, code: AskCode, message: string): void {
    peer.ask({ t: 'told', id, node: this.node, code, message, last: true })
  }
}
