import type { Ref } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Board } from '../../board/board.ts'
import { count } from '../../format.ts'
import type { TopologyAnswer } from '../../installation/answers.ts'
import { standing } from '../../installation/tone.ts'
import { suggestionsOf, type Kind, type Suggestion, type SuggestionGroup } from '../../installation/suggestions.ts'
import { useFound } from './use-found.ts'

interface Props {
  readonly topology: TopologyAnswer | null
  readonly board: Board
  readonly asks: boolean
  readonly query: string
  /** Nodes that pass the search. */
  readonly found: ReadonlySet<string>
  readonly search: Ref<HTMLInputElement>
  readonly onQuery: (query: string) => void
  readonly onChoose: (suggestion: Suggestion) => void
}

const LIST = 'found'
const HEADINGS: Readonly<Record<Kind, string>> = { node: 'Nodes', symbol: 'Symbols', user: 'Users', session: 'Sessions' }

/** One box for nodes, symbols, users and sessions; while something is typed, nodes that do not pass are pale in the picture. */
export function Finder({ topology, board, asks, query, found, search, onQuery, onChoose }: Props) {
  const all = topology?.nodes.length ?? 0
  const sick = topology?.nodes.filter((node) => standing(node).tone === 'stale').length ?? 0
  return (
    <div class="finder">
      <SearchBox {...{ topology, board, asks, query, search, onQuery, onChoose }} />
      <output class="shown">
        {query === '' ? `${count(all)} nodes` : `${count(found.size)} of ${count(all)} nodes`}
        {query === '' && sick > 0 && <em>, {count(sick)} not in use</em>}
      </output>
      <p class="legend">
        Age of the newest pulse: <span class="age fresh">live</span> <span class="age aging">late</span>{' '}
        <span class="age stale">stale</span>
      </p>
    </div>
  )
}

function SearchBox({ topology, board, asks, query, search, onQuery, onChoose }: Omit<Props, 'found'>) {
  const [isOpen, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const found = useFound(query, asks)
  const searched = { topology, board: { feed: board.feed, rows: board.rows.values() }, found, asks }
  const groups = useMemo(() => (isOpen ? suggestionsOf(searched, query) : []), [isOpen, topology, board.listVersion, found, asks, query])
  const options = groups.flatMap(({ suggestions }) => suggestions)
  const isShown = isOpen && query.trim() !== ''
  const at = Math.min(active, options.length - 1)
  const choose = (suggestion: Suggestion | undefined) => {
    if (suggestion === undefined) return
    setOpen(false)
    setActive(-1)
    onChoose(suggestion)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setOpen(true)
      setActive(nextOption(at, event.key === 'ArrowDown' ? 1 : -1, options.length))
    } else if (event.key === 'Enter')
      choose(suggestionsFor(options, at, () => suggestionsOf(searched, query).flatMap((group) => group.suggestions)))
    else if (event.key === 'Escape' && (isShown || query !== '')) {
      // This key was for the search alone: what is open beside it stays. The next one is for that.
      event.preventDefault()
      if (isShown) setOpen(false)
      else onQuery('')
      setActive(-1)
    }
  }
  return (
    <search class="search" onFocusOut={() => setOpen(false)}>
      <input
        ref={search}
        type="text"
        enterkeyhint="search"
        role="combobox"
        placeholder={asks ? 'Node, symbol, user or session' : 'Node or symbol'}
        aria-label={asks ? 'Search nodes, symbols, users and sessions' : 'Search nodes and symbols'}
        aria-keyshortcuts="/"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={LIST}
        aria-activedescendant={isShown && at >= 0 ? idOf(options[at]!) : undefined}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={query}
        onFocus={() => setOpen(true)}
        onInput={(event) => {
          setOpen(true)
          setActive(-1)
          onQuery(event.currentTarget.value)
        }}
        onKeyDown={onKeyDown}
      />
      <kbd>/</kbd>
      {isShown && <Found groups={groups} active={at < 0 ? undefined : options[at]} silent={found?.silent ?? []} onChoose={choose} />}
    </search>
  )
}

interface FoundProps {
  readonly groups: readonly SuggestionGroup[]
  readonly active: Suggestion | undefined
  readonly silent: readonly string[]
  readonly onChoose: (suggestion: Suggestion) => void
}

function Found({ groups, active, silent, onChoose }: FoundProps) {
  return (
    <div class="found">
      <div id={LIST} role="listbox" aria-label="Found">
        {groups.map(({ kind, suggestions }) => (
          <div key={kind} role="group" aria-label={HEADINGS[kind]}>
            <p class="kind" aria-hidden="true">
              {HEADINGS[kind]}
            </p>
            {suggestions.map((suggestion) => (
              <Option key={idOf(suggestion)} {...{ suggestion, isActive: suggestion === active, onChoose }} />
            ))}
          </div>
        ))}
      </div>
      {groups.length === 0 && <p>Nothing is known under that name.</p>}
      {silent.length > 0 && <p>Not asked, because they do not answer: {silent.join(', ')}</p>}
    </div>
  )
}

interface OptionProps {
  readonly suggestion: Suggestion
  readonly isActive: boolean
  readonly onChoose: (suggestion: Suggestion) => void
}

function Option({ suggestion, isActive, onChoose }: OptionProps) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isActive) element.current?.scrollIntoView({ block: 'nearest' })
  }, [isActive])
  const { name, about, isGuess } = suggestion
  return (
    <div
      ref={element}
      id={idOf(suggestion)}
      role="option"
      tabIndex={-1}
      class={isGuess === true ? 'guess' : ''}
      aria-selected={isActive}
      // The box keeps the keyboard.
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => onChoose(suggestion)}
    >
      <b>{name}</b> <small>{about}</small>
    </div>
  )
}

function idOf({ kind, name, feed = '' }: Suggestion): string {
  return `found-${kind}-${feed}-${name}`
}

/** Round and round, with the box itself between the last one and the first. */
function nextOption(at: number, step: 1 | -1, options: number): number {
  if (options === 0) return -1
  const next = at + step
  return next < -1 ? options - 1 : next >= options ? -1 : next
}

/** The one that is pointed at, else the first; also of a list that was closed. */
function suggestionsFor(options: readonly Suggestion[], at: number, anew: () => readonly Suggestion[]): Suggestion | undefined {
  return options[at] ?? options[0] ?? anew()[0]
}
