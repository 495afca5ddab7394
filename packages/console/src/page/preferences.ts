export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
/** Which colour a rising price has. Mainland China, Taiwan, Japan and Korea use red. */
export const RISE_COLOURS = ['green-up', 'red-up'] as const
export type RiseColour = (typeof RISE_COLOURS)[number]

export interface Preferences {
  readonly theme: Theme
  readonly riseColour: RiseColour
}

const KEY = 'pulsewire.preferences'

/** What was chosen before, else what the system and the language suggest. */
export function loadPreferences(storage: Pick<Storage, 'getItem'>, language: string): Preferences {
  const usual: Preferences = { theme: 'system', riseColour: /^(zh(?!-(HK|MO|SG))|ja|ko)\b/i.test(language) ? 'red-up' : 'green-up' }
  try {
    const { theme, riseColour } = JSON.parse(storage.getItem(KEY) ?? '{}') as Partial<Preferences>
    return { theme: known(THEMES, theme) ?? usual.theme, riseColour: known(RISE_COLOURS, riseColour) ?? usual.riseColour }
  } catch {
    // Storage may be forbidden, or hold what another version wrote.
    return usual
  }
}

export function savePreferences(storage: Pick<Storage, 'setItem'>, preferences: Preferences): void {
  try {
    storage.setItem(KEY, JSON.stringify(preferences))
  } catch {
    // Then it is not remembered.
  }
}

/** The style sheets do the rest. */
export function applyPreferences(root: HTMLElement, { theme, riseColour }: Preferences): void {
  root.dataset['theme'] = theme
  root.dataset['rise'] = riseColour
}

function known<Item extends string>(items: readonly Item[], value: unknown): Item | undefined {
  return items.find((item) => item === value)
}
