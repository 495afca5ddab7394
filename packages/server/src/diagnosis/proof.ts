import type { AskFrame } from '@pulsewire/protocol'
import type { Question } from '../runtime/operator-proof.ts'

export { isProven, newNonce, prove, type Question } from '../runtime/operator-proof.ts'

/** What is not said is empty. */
export function questionOf({ id, path = [], question = '', args = {}, who = '' }: AskFrame): Question {
  return { id, path, question, args, who }
}
