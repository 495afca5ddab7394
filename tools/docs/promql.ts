/** What a PromQL expression names, by Prometheus' own grammar. */
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
