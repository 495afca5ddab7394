/**
 * Environment of a node into which a file of `preload/` is loaded before its own code.
 *
 * @param beside what else its environment has; default: what ours has
 */
export function preloaded(
  name: 'spoiled-reader' | 'wall-clock' | 'next-version' | 'memory' | 'routes',
  { NODE_OPTIONS = process.env['NODE_OPTIONS'] ?? '' }: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `${NODE_OPTIONS} --import=${urlOf(name)}`.trim() }
}

/** Arguments of a process of clients into which it is loaded. */
export function preloadedArgs(name: 'next-client'): string[] {
  return [`--import=${urlOf(name)}`]
}

function urlOf(name: string): string {
  return new URL(`../preload/${name}.ts`, import.meta.url).href
}
