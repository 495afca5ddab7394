import { AskError, type Asker, BEYOND_QUESTIONS, findWay, type Way } from '@pulsewire/server'

export interface FoundWay {
  readonly way: Way
  /** Why there is none in band, so that the nearest is asked to ask the node's watchdog. */
  readonly lost?: AskError
}

/** Who has no way to a node may know of its watchdog: the nearest is asked to ask that. @throws AskError */
export async function wayTo(askers: readonly Asker[], node: string, question: string): Promise<FoundWay> {
  try {
    return { way: await findWay(askers, node) }
  } catch (error) {
    const [first] = askers
    if (first === undefined || !BEYOND_QUESTIONS.includes(question) || !(error instanceof AskError) || error.code !== 'ask_no_way')
      throw error
    return { way: { asker: first, path: [node] }, lost: error }
  }
}

/** Asks over it; where neither leads anywhere, both reasons are told. @throws AskError */
export async function overWay<T>({ way, lost }: FoundWay, ask: (way: Way) => Promise<T>): Promise<T> {
  try {
    return await ask(way)
  } catch (error) {
    if (lost === undefined || !(error instanceof AskError) || error.code !== 'ask_no_way') throw error
    throw new AskError('ask_no_way', `${lost.message}; ${error.message}`, { cause: error })
  }
}
