/** What a demonstration answers below `/api/break`: its server says it, the page shows it. */

/** One way to break the demonstration. */
export interface BreakAnswer {
  readonly id: string
  readonly title: string
  /** What is really done. */
  readonly does: string
  /** What is to be seen. */
  readonly watch: string
  readonly targets: readonly string[]
  /** Word on the button that does it. */
  readonly act: string
  /** Word on the button that undoes it; `null`: it heals by itself. */
  readonly undo: string | null
  readonly active: null | { readonly target: string; readonly sinceMs: number }
}

export type Tone = 'good' | 'bad' | 'plain'

export interface StoryAnswer {
  readonly id: number
  readonly atMs: number
  readonly tone: Tone
  readonly node?: string
  readonly message: string
}

export interface BreaksAnswer {
  readonly breaks: readonly BreakAnswer[]
  readonly story: readonly StoryAnswer[]
}
