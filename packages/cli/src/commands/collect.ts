/** Of an option that may be given as often as needed. */
export function collect(value: string, all: readonly string[]): string[] {
  return [...all, value]
}
