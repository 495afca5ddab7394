import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'

export interface AskPanelProps<T> {
  readonly title: string
  /** Class names of the section. */
  readonly kind: string
  readonly verb: string
  readonly ask: () => Promise<T>
  /** Its fields. */
  readonly children: ComponentChildren
  readonly told: (answer: T) => ComponentChildren
}

type State<T> =
  | { readonly is: 'idle' | 'asking' }
  | { readonly is: 'failed'; readonly why: string }
  | { readonly is: 'told'; readonly answer: T }

/** A question to the nodes: its fields, a button, and the answer or why there is none. */
export function AskPanel<T>({ title, kind, verb, ask, children, told }: AskPanelProps<T>) {
  const [state, setState] = useState<State<T>>({ is: 'idle' })
  const put = async () => {
    setState({ is: 'asking' })
    try {
      setState({ is: 'told', answer: await ask() })
    } catch (error) {
      setState({ is: 'failed', why: (error as Error).message })
    }
  }
  return (
    <section class={kind} aria-label={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void put()
        }}
      >
        <h3>{title}</h3>
        {children}
        <button type="submit" disabled={state.is === 'asking'}>
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
