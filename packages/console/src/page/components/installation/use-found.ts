import { useEffect, useState } from 'preact/hooks'
import { askFind, FIND_CHARS_MIN, type FindAnswer } from '../../installation/find.ts'

/** Somebody who types is not asked for after each letter. */
const STILL_MS = 250

/** What gateways know under what was typed, once the typing rests; what was found before stays until then. */
export function useFound(typed: string, asks: boolean): FindAnswer | null {
  const [found, setFound] = useState<FindAnswer | null>(null)
  const text = typed.trim()
  useEffect(() => {
    if (!asks || text.length < FIND_CHARS_MIN) return setFound(null)
    const ended = new AbortController()
    const timer = setTimeout(() => {
      // Nodes and symbols are found all the same, and what is chosen says itself why nobody answers.
      askFind(text, ended.signal).then(setFound, () => {})
    }, STILL_MS)
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [text, asks])
  return found
}
