import { isValidName, NAME_RULE } from '@pulsewire/server'

/** One record to be: its symbol and its fields. */
export interface Quote {
  readonly symbol: string
  readonly values: Readonly<Record<string, unknown>>
}

export type OnBadLine = (line: number, reason: string) => void

/** A line, or CSV record, longer than this is no quote. */
export const LINE_CHARS_MAX = 1024 * 1024

/** Why a text cannot be a symbol; nothing if it can. */
export function symbolProblem(symbol: unknown, keyField: string): string | undefined {
  if (symbol === undefined || symbol === '') return `no ${keyField}`
  if (typeof symbol !== 'string' || !isValidName(symbol)) return `${keyField} is not ${NAME_RULE}`
  return undefined
}
