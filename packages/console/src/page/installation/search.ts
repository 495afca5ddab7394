import type { NodeAnswer } from './answers.ts'
import { standing } from './tone.ts'

/** Whether all words of a query are found in what is known of a node: name, role, zone, track, line, version, feeds, reasons. */
export function matches(node: NodeAnswer, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const { role, line, zone, track, version, addresses, feeds, reasons, fault } = node
  const text = [
    ...[node.node, role, line === undefined ? '' : `line ${line}`, zone, track, version, standing(node).text, fault ?? ''],
    ...addresses,
    ...feeds.map(({ feed, topic = '' }) => `${feed} ${topic}`),
    ...reasons.map(({ code, message }) => `${code} ${message}`),
  ]
    .join('\n')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}
