import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { BOUNDS_SECONDS } from '../runtime/histogram.ts'
import { VERSION } from '../runtime/version.ts'
import type { HistogramMetric, HistogramSample, Metric, NumberMetric } from './metric.ts'
import type { ProcessSource, RoleSource } from './sources.ts'
import { METRICS } from './table.ts'

/** The metrics of one process, in Prometheus' text format. */
export class NodeMetrics {
  readonly #registry = new Registry()
  readonly #roles: readonly RoleSource[]
  readonly #process: ProcessSource | null

  constructor(node: string, roles: readonly RoleSource[], process: ProcessSource | null) {
    this.#roles = roles
    this.#process = process
    this.#registry.setDefaultLabels({ node })
    const info = new Gauge({
      name: 'pulsewire_info',
      help: 'Always 1: the version that runs.',
      labelNames: ['version'],
      registers: [this.#registry],
    })
    info.set({ version: VERSION }, 1)
    for (const metric of METRICS) this.#register(metric)
    collectDefaultMetrics({ register: this.#registry })
  }

  /** Reads everything now. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #register(metric: Metric): void {
    if (metric.type === 'histogram') this.#registry.registerMetric(new KeptHistogram(metric, () => metric.read(this.#roles)))
    else this.#registerNumber(metric)
  }

  #registerNumber(metric: NumberMetric): void {
    const { name, help, type } = metric
    const options = { name, help, labelNames: [...metric.labels], registers: [this.#registry] }
    const samples = () => metric.read(this.#roles, this.#process)
    if (type === 'gauge') {
      const gauge = new Gauge({
        ...options,
        collect() {
          gauge.reset()
          for (const { labels, value } of samples()) gauge.set(labels, value)
        },
      })
      return
    }
    // The number is kept elsewhere: it is put in whole each time.
    const counter = new Counter({
      ...options,
      collect() {
        counter.reset()
        for (const { labels, value } of samples()) counter.inc(labels, value)
      },
    })
  }
}

/** One whose numbers are kept elsewhere: prom-client's own takes observations only, and looks labels up for each. */
class KeptHistogram extends Histogram {
  readonly #metric: HistogramMetric
  readonly #read: () => Iterable<HistogramSample>

  constructor(metric: HistogramMetric, read: () => Iterable<HistogramSample>) {
    super({ name: metric.name, help: metric.help, labelNames: [...metric.labels], buckets: [...BOUNDS_SECONDS], registers: [] })
    this.#metric = metric
    this.#read = read
  }

  /** What prom-client's registry asks for the text. */
  async getForPromString() {
    const { name, help, type } = this.#metric
    return { name, help, type, values: [...this.#read()].flatMap(({ labels, histogram }) => linesOf(name, labels, histogram)) }
  }
}

/** Buckets of the text format count all that is at most as long as their bound. */
function linesOf(name: string, labels: HistogramSample['labels'], { counts, sumSeconds }: HistogramSample['histogram']) {
  let count = 0
  const buckets = [...counts].map((one, index) => {
    count += one
    return { metricName: `${name}_bucket`, labels: { ...labels, le: BOUNDS_SECONDS[index] ?? '+Inf' }, value: count }
  })
  return [...buckets, { metricName: `${name}_sum`, labels, value: sumSeconds }, { metricName: `${name}_count`, labels, value: count }]
}
