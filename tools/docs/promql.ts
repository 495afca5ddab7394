/** What a PromQL expression names, by Prometheus' own grammar. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  readonly metric: string
  /** Labels that it is matched by. */
  readonly labels: readonly string[]
}

export interface Named {
  readonly selectors: readonly Selector[]
  /** Labels that it is grouped, joined or counted by. */
  readonly grouping: readonly string[]
}

/** Grafana puts these in place before it asks. */
const VARIABLES = /\$__(?:rate_interval|interval|range)/g

/** @throws Error where the grammar does not know what to make of it. */
export function namesIn(expression: string): Named {
  const text = expression.replaceAll(VARIABLES, '1m')
  const selectors: { metric: string; labels: string[] }[] = []
  const grouping: string[] = []
  let isGrouping = false
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      const own = text.slice(from, to)
      if (type.isError) throw new Error(`${expression}\n${' '.repeat(from)}^ is no PromQL`)
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] })
      else if (name === 'Identifier') selectors.at(-1)!.metric = own
      else if (name === 'GroupingLabels') isGrouping = true
      else if (name === 'LabelName') (isGrouping ? grouping : selectors.at(-1)!.labels).push(own)
    },
    leave({ name }) {
      if (name === 'GroupingLabels') isGrouping = false
    },
  })
  return { selectors, grouping }
}

/**
 * Labels that samples of the result can have: what an aggregation leaves, what the left side of an operator has.
 * @param labelsOf those of a metric.
 */
export function resultLabels(expression: string, labelsOf: (metric: string) => readonly string[]): readonly string[] {
  const text = expression.replaceAll(VARIABLES, '1m')
  const own = (node: SyntaxNode): string => text.slice(node.from, node.to)
  const names = (node: SyntaxNode | null): string[] => (node === null ? [] : node.getChildren('LabelName').map(own))
  const labels = (node: SyntaxNode): readonly string[] => {
    if (node.name === 'VectorSelector') return labelsOf(own(node.getChild('Identifier')!))
    if (node.name === 'AggregateExpr') {
      const modifier = node.getChild('AggregateModifier')
      const grouping = names(modifier?.getChild('GroupingLabels') ?? null)
      if (modifier?.getChild('By') !== undefined && modifier?.getChild('By') !== null) return grouping
      return modifier === null ? [] : within(node).filter((label) => !grouping.includes(label))
    }
    if (node.name === 'FunctionCall' && own(node).startsWith('absent(')) return matchedExactly(node)
    if (node.name === 'BinaryExpr') {
      const [left, right] = [labels(node.firstChild!), labels(node.lastChild!)]
      const joined = names(node.getChild('MatchingModifierClause')?.getChild('GroupLeft')?.nextSibling ?? null)
      if (node.getChild('Or') !== null) return [...left, ...right]
      return left.length === 0 ? right : [...left, ...joined]
    }
    return within(node)
  }
  const within = (node: SyntaxNode): readonly string[] => {
    const found: string[] = []
    for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(...labels(child))
    return found
  }
  /** `absent` gives the labels that it was asked for by `=`. */
  const matchedExactly = (node: SyntaxNode): string[] => [...own(node).matchAll(/(\w+)="/g)].map(([, label]) => label!)
  return labels(parser.parse(text).topNode)
}
