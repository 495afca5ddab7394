/** One record with `traceparent` in a real Kafka: what a collector is sent by the real processes that it goes through. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const TOPIC = `quotes-${Date.now().toString(36)}`
const SYMBOL = 'AAPL.US'
const PARENT = 'b7ad6b7169203331'
const SPANS_MS_MAX = 20_000

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string; readonly boolValue?: boolean }
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'node'>[] }[]
  }[]
}

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  /** Of its resource. */
  readonly node: string
}

/** What a collector does with OTLP over HTTP: takes it, and says so. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = []
  readonly problems: string[] = []
  readonly #server = createServer((request, response) => {
    const { method, url, headers } = request
    if (method !== 'POST' || url !== '/v1/traces' || headers['content-type'] !== 'application/json')
      this.problems.push(`${method} ${url} ${headers['content-type']}`)
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of (body as ExportRequest).resourceSpans)
        for (const { spans } of scopeSpans)
          this.spans.push(...spans.map((span) => ({ ...span, node: textOf(resource.attributes, 'service.instance.id') })))
      response.setHeader('content-type', 'application/json').end('{}')
      for (const wake of this.#waiting) wake()
    })
  })
  readonly #waiting = new Set<() => void>()

  static async listen(): Promise<Collector> {
    const collector = new Collector()
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The spans of a trace, as soon as there are so many. */
  async trace(traceId: string, count: number): Promise<readonly Span[]> {
    const of = () => this.spans.filter((span) => span.traceId === traceId)
    const signal = AbortSignal.timeout(SPANS_MS_MAX)
    while (of().length < count && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      this.#waiting.clear()
    }
    return of()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

function textOf(attributes: readonly Attribute[], name: string): string {
  const value = attributes.find(({ key }) => key === name)?.value
  return String(value?.stringValue ?? value?.intValue ?? value?.boolValue)
}

describe('traces to a collector', { timeout: 180_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let collector: Collector
  let fleet: Fleet

  before(async () => {
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    collector = stack.use(await Collector.listen())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 2 })
    const env = { PULSEWIRE_TRACES_ENDPOINT: collector.url }
    fleet = stack.use(await Fleet.start({ brokers: kafka.brokers, feeds: [{ name: 'quote', topic: TOPIC }], gateways: 1, env }))
  })

  after(() => stack.disposeAsync())

  const append = (last: number, headers: Readonly<Record<string, string>> = {}) =>
    log.append(TOPIC, [{ key: SYMBOL, value: JSON.stringify({ last }), headers }])

  test('a sampled record: both push nodes read and sent it, the gateway took the first and sent that on', async () => {
    await append(1)
    await using view = new ViewRecorder({ url: fleet.urls[0]!, user: 'jo', encoding: 'bin' }, { feed: 'quote', symbols: [SYMBOL] })
    await view.until(() => view.subscription.state.state === 'live', 'it is live')

    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const [{ partition, offset } = { partition: -1, offset: -1 }] = await append(2, { traceparent: `00-${traceId}-${PARENT}-01` })
    const spans = await collector.trace(traceId, 7)
    assert.deepEqual(collector.problems, [])
    const shown = spans.map(({ node, name, attributes }) => `${node} ${name} ${textOf(attributes, 'pulsewire.taken')}`).sort()
    assert.deepEqual(
      shown,
      [
        'gw-1 receive quote false',
        'gw-1 receive quote true',
        'gw-1 send quote undefined',
        `push-a1 process ${TOPIC} undefined`,
        'push-a1 send quote undefined',
        `push-b2 process ${TOPIC} undefined`,
        'push-b2 send quote undefined',
      ].sort(),
    )
    const find = (node: string, name: string) => spans.filter((span) => span.node === node && span.name === name)
    for (const node of ['push-a1', 'push-b2']) {
      const [read] = find(node, `process ${TOPIC}`)
      assert.equal(read!.parentSpanId, PARENT)
      assert.equal(textOf(read!.attributes, 'messaging.kafka.offset'), String(offset))
      assert.equal(textOf(read!.attributes, 'messaging.destination.partition.id'), String(partition))
      const [sent] = find(node, 'send quote')
      assert.equal(sent!.parentSpanId, read!.spanId)
      const arrived = find('gw-1', 'receive quote').find(({ attributes }) => textOf(attributes, 'pulsewire.upstream') === node)
      assert.equal(arrived!.parentSpanId, sent!.spanId, 'the span of the hop is the child of what the push node sent')
    }
    const taken = find('gw-1', 'receive quote').find(({ attributes }) => textOf(attributes, 'pulsewire.taken') === 'true')
    const [toClient] = find('gw-1', 'send quote')
    assert.equal(toClient!.parentSpanId, taken!.spanId)
    assert.match(textOf(toClient!.attributes, 'pulsewire.session'), /^gw-1\./)
    assert.equal(textOf(toClient!.attributes, 'pulsewire.outcome'), 'sent')
    assert.ok(BigInt(toClient!.endTimeUnixNano) >= BigInt(toClient!.startTimeUnixNano))
  })

  test('a record that is not sampled leaves no span; a collector that is gone stops no quote', async () => {
    await using view = new ViewRecorder({ url: fleet.urls[0]!, user: 'al', encoding: 'json' }, { feed: 'quote', symbols: [SYMBOL] })
    await view.until(() => view.subscription.state.state === 'live', 'it is live')
    const unsampled = '4bf92f3577b34da6a3ce929d0e0e4736'
    const sampled = '5bf92f3577b34da6a3ce929d0e0e4736'
    await append(3, { traceparent: `00-${unsampled}-${PARENT}-00` })
    await append(4, { traceparent: `00-${sampled}-${PARENT}-01` })
    await collector.trace(sampled, 7)
    assert.deepEqual(await collector.trace(unsampled, 0), [])
    await collector[Symbol.asyncDispose]()
    await append(5, { traceparent: `00-${sampled}-${PARENT}-01` })
    await view.until(() => view.updates.at(-1)?.values['last'] === 5, 'the quote is there')
    const [gateway] = fleet.gateways
    await gateway!.line(({ code }) => code === 'traces_not_sent')
    assert.equal(await gateway!.stop(), 0)
  })
})
