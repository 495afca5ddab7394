import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export interface AskPanelProps<T> {
  readonly title: string
  readonly kind: 'trace' | 'sessions'
  readonly verb: string
  readonly ask: () => Promise<T>
  /** Its fields. */
  readonly children: ComponentChildren
  readonly told: (answer: T) => ComponentChildren
  /** It was asked for elsewhere: it is put at once, and comes into sight. */
  readonly atOnce: boolean
}

type State<T> =
  | { readonly is: 'idle' | 'asking' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'told'; readonly answer: T }

/** A question to the nodes: its fields, a button, and the answer or why there is none. */
export function AskPanel<T>({ title, kind, verb, ask, children, told, atOnce }: AskPanelProps<T>) {
  const element = useRef<HTMLElement>(null)
  const [state, setState] = useState<State<T>>({ is: 'idle' })
  const put = async () => {
    if (state.is === 'asking') return
    setState({ is: 'asking' })
    try {
      setState({ is: 'told', answer: await ask() })
    } catch (error) {
      setState({ is: 'failed', why: (error as Error).message })
    }
  }
  useEffect(() => {
    if (!atOnce) return
    element.current?.scrollIntoView({ block: 'nearest' })
    void put()
  }, [])
  return (
    <section ref={element} class={`panel ask ${kind}`} aria-label={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void put()
        }}
      >
        <h3>{title}</h3>
        {children}
        {/* Not disabled: that would take the keyboard from whoever pressed it. */}
        <button type="submit" class="act" aria-disabled={state.is === 'asking'}>
          {state.is === 'asking' ? 'Asking…' : verb}
        </button>
      </form>
      <div role="status">
        {state.is === 'failed' && <p class="problem">{state.why}</p>}
        {state.is === 'told' && told(state.answer)}
      </div>
    </section>
  )
}
