import type { NodeAnswer } from './answers.ts'

/** `quote 0–3, trade all`. */
export function partitionsInWords({ feeds }: NodeAnswer): string {
  return feeds.map(({ feed, partitions }) => `${feed} ${partitions === undefined ? 'all' : ranges(partitions)}`).join(', ') || 'nothing'
}

/** `0–3 7`. */
export function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = parts.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else parts.push([number, number])
  }
  return parts.length === 0 ? 'none' : parts.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(' ')
}

const ROLES = { push: 'push node', gateway: 'gateway', balancer: 'balancer', pulse: 'pulse writer' } as const

export function roleInWords({ role, line }: NodeAnswer): string {
  return line === undefined ? ROLES[role] : `${ROLES[role]}, line ${line}`
}

/** `offline, says jo@ops-1 (2026-11-30 07:12:01)`; of one that nobody says anything of, `online`. */
export function wordInWords({ word, told }: NodeAnswer): string {
  if (told === undefined) return word
  return `${word}, says ${told.by ?? 'an operator'} (${new Date(told.atMs).toLocaleString()})`
}
