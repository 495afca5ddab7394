import { AskError } from './answer.ts'
import { prove, type Question } from './proof.ts'
import type { Secret } from '../runtime/config/index.ts'
import { WATCHDOG_ASK_PATH, watchdogQuestion } from '../runtime/watchdog/ask-server.ts'

/** What is asked of a node's watchdog where the node itself says nothing, or has no connection that leads to it. */
export const BEYOND_QUESTIONS: readonly string[] = ['stages', 'stacks', 'cpu', 'heap', 'report']
/** A thread that does nothing else answers at once. */
const NONCE_MS_MAX = 1500
/** It may look at the process for some seconds, and says so in `args`. */
const ANSWER_MS_MAX = 130_000
/** Why it did not work. */
const REFUSAL_CHARS_MAX = 10_000

/** Asks a node's watchdog on its own socket. @returns the answer as it comes, no faster than it is taken. @throws AskError */
export async function askWatchdog(
  address: string,
  secret: Secret,
  { question, args, who }: Pick<Question, 'question' | 'args' | 'who'>,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const url = `${address}${WATCHDOG_ASK_PATH}`
  const offered = await reach(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(NONCE_MS_MAX)]) })
  const { nonce = '' } = JSON.parse(await offered.text()) as { readonly nonce?: string }
  const proof = prove(secret, nonce, watchdogQuestion({ question, args, who }))
  const answered = await reach(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ nonce, question, args, who, proof }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
  })
  if (answered.ok) return partsOf(answered, url)
  const text = (await answered.text()).slice(0, REFUSAL_CHARS_MAX)
  const { code = 'ask_failed', message = text } = JSON.parse(text) as { readonly code?: 'ask_failed'; readonly message?: string }
  throw new AskError(code, message)
}

async function* partsOf({ body }: Response, url: string): AsyncGenerator<string> {
  try {
    if (body !== null) yield* body.pipeThrough(new TextDecoderStream())
  } catch (error) {
    throw new AskError('ask_link_lost', `its watchdog at ${url} was gone before the end of its answer`, { cause: error })
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const cause = (error as Error).cause
    // A blocked event loop would not keep it from answering.
    if ((error as Error).name === 'TimeoutError') {
      const what = 'its process is stopped (SIGSTOP, a suspended machine, no processor), or the line is cut'
      throw new AskError('ask_no_answer', `its watchdog at ${url} says nothing either: ${what}`, { cause: error })
    }
    const why = cause instanceof Error ? cause.message : (error as Error).message
    throw new AskError('ask_no_answer', `its watchdog at ${url} cannot be asked either: ${why}`, { cause: error })
  }
}
