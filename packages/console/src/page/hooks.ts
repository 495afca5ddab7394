import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import type { Board } from './board/board.ts'
import type { Row } from './board/row.ts'

/** Renders again whenever something calls back. */
export function useChanges(subscribe: (listener: () => void) => () => void, source: unknown): void {
  const [, render] = useReducer((count: number) => count + 1, 0)
  useEffect(() => subscribe(() => render(undefined)), [source])
}

/** Renders twice a second, and at every turn of events. */
export function useBoard(board: Board): void {
  useChanges((listener) => board.onChange(listener), board)
}

/** Renders when the row changed, at most once per frame. */
export function useRow(row: Row): void {
  useChanges((listener) => row.onChange(listener), row)
}

/** The part of the page's address after `#`. */
export function useHash(): string {
  const [hash, setHash] = useState(() => location.hash.slice(1))
  useEffect(() => {
    const onChange = () => setHash(location.hash.slice(1))
    window.addEventListener('hashchange', onChange)
    return () => window.removeEventListener('hashchange', onChange)
  }, [])
  return hash
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const onChange = () => setMatches(media.matches)
    media.addEventListener('change', onChange)
    return () => media.removeEventListener('change', onChange)
  }, [query])
  return matches
}

/** Keys that nobody else took, without modifiers. */
export function useKey(onKey: (event: KeyboardEvent) => void): void {
  const newest = useRef(onKey)
  newest.current = onKey
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.defaultPrevented) newest.current(event)
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}

export function useEscape(onEscape: () => void): void {
  useKey((event) => {
    if (event.key === 'Escape') onEscape()
  })
}
