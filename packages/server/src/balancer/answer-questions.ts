import type { AskDesk, LinksAnswer } from '../diagnosis/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { VERSION } from '../runtime/version.ts'
import type { AnswerMemory, RememberedAnswer } from './hand-out/answer-memory.ts'
import type { Probes } from './probe/probes.ts'

/** What a balancer says it gave to a user. */
export interface AnswersAnswer {
  readonly node: string
  readonly nowMs: number
  /** Since when it remembers everything. */
  readonly sinceMs: number
  /** The newest, oldest first. */
  readonly answers: readonly RememberedAnswer[]
}

/** Has the balancer say who is next to it, and what it gave to a user. */
export function answerQuestions(desk: AskDesk, probes: Probes, memory: AnswerMemory, clock: Clock): void {
  desk.answers.set('links', () => {
    const links = probes.accounts(clock.nowMs())
    const answer: LinksAnswer = { node: desk.node, role: 'balancer', version: VERSION, links, neighbours: desk.neighbours, sessions: 0 }
    return JSON.stringify(answer)
  })
  desk.answers.set('answers', ({ user = '' }) => {
    const answer: AnswersAnswer = { node: desk.node, nowMs: clock.nowMs(), sinceMs: memory.sinceMs, answers: memory.of(user) }
    return JSON.stringify(answer)
  })
}
