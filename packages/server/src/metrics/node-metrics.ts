import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { VERSION } from '../runtime/version.ts'
import type { ProcessSource, RoleSource } from './sources.ts'
import { type Metric, METRICS } from './table.ts'

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
