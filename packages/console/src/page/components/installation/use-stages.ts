import { useEffect, useState } from 'preact/hooks'
import { askStages, type StagesAnswer } from '../../installation/stages.ts'

/** Each time is a question to the node, which writes it down. */
const AGAIN_AFTER_MS = 10_000
/** Whoever walks over nodes with the arrow keys does not ask each of them. */
const LOOKED_AT_MS = 300

export interface StagesTold {
  /** The newest one; `null`: none yet. */
  readonly answer: StagesAnswer | null
  /** When it came. */
  readonly atMs: number
  /** Why there was none the last time; empty: there was. */
  readonly problem: string
}

const NOTHING: StagesTold = { answer: null, atMs: 0, problem: '' }

/**
 * Asks a node for its stages: at once, when its fault changes, and every now and then while somebody looks at the page.
 * @param fault what the balancer knows to be stuck in it.
 */
export function useStages(node: string, fault: string | null): StagesTold {
  const [told, setTold] = useState(NOTHING)
  useEffect(() => {
    let isWanted = true
    let timer = 0
    const ask = async (): Promise<void> => {
      if (!document.hidden) await askStages(node).then(take, fail)
      if (isWanted) timer = window.setTimeout(ask, AGAIN_AFTER_MS)
    }
    const take = (answer: StagesAnswer) => isWanted && setTold({ answer, atMs: Date.now(), problem: '' })
    const fail = ({ message: problem }: Error) => isWanted && setTold((last) => ({ ...last, problem }))
    timer = window.setTimeout(ask, LOOKED_AT_MS)
    return () => {
      isWanted = false
      window.clearTimeout(timer)
    }
  }, [node, fault])
  return told
}
