/** Colours for canvases, which know no custom properties. */
const NAMES = ['up', 'down', 'fresh', 'stale', 'text-2', 'line'] as const
export type Palette = Readonly<Record<(typeof NAMES)[number], string>>

/** Resolves the colours of the style sheet as they are now, light or dark. */
export function readPalette(parent: Element): Palette {
  const probe = document.createElement('span')
  probe.hidden = true
  parent.append(probe)
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color] as const
  })
  probe.remove()
  return Object.fromEntries(entries) as Palette
}

/** The same colour, more transparent. @param colour as computed styles have it: `rgb(1, 2, 3)`. @param opacity 0 to 1. */
export function fade(colour: string, opacity: number): string {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`)
}
