/** Environment of a node into which a file of `preload/` is loaded before its own code. */
export function preloaded(name: 'spoiled-reader' | 'wall-clock' | 'next-version'): Readonly<Record<string, string>> {
  const url = new URL(`../preload/${name}.ts`, import.meta.url).href
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${url}`.trim() }
}
