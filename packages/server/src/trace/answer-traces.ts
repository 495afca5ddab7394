import type { AskDesk } from '../diagnosis/index.ts'
import { hopFacts, type TracedNode } from './hop-facts.ts'

/** Has the node say what it holds of a symbol. */
export function answerTraces(desk: AskDesk, traced: TracedNode): void {
  desk.answers.set('trace', async (args) => JSON.stringify(await hopFacts(traced, args)))
}
