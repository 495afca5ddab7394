import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { describe, it } from 'node:test'
import { systemClock } from '../clock.ts'
import { createMemoryLogger } from '../logger.ts'
import type { Service } from '../service.ts'
import { type NamedService, type RunOptions, runServices } from './run-services.ts'

/** A service that notes its calls; overrides make it misbehave. */
function fakeService(name: string, calls: string[], overrides: Partial<Service> = {}): NamedService & { fail(error: Error): void } {
  const closed = Promise.withResolvers<void>()
  const service: Service = {
    async start() {
      calls.push(`start ${name}`)
    },
    async drain() {
      calls.push(`drain ${name}`)
    },
    async close() {
      calls.push(`close ${name}`)
      closed.resolve()
    },
    closed: closed.promise,
    async [Symbol.asyncDispose]() {
      await service.close()
    },
    ...overrides,
  }
  return { name, service, fail: (error) => closed.reject(error) }
}

function harness(overrides: Partial<RunOptions> = {}) {
  const signals = new EventEmitter()
  const events = new EventEmitter()
  const logger = createMemoryLogger()
  const options: RunOptions = { signals, logger, onReady: () => events.emit('ready'), ...overrides }
  return { signals, options, logger, ready: () => once(events, 'ready') }
}

const never = new Promise<never>(() => {})

describe('runServices', () => {
  it('starts in order, drains and closes in reverse on SIGTERM', async () => {
    const calls: string[] = []
    const { signals, options, ready } = harness()
    const isReady = ready()
    const run = runServices([fakeService('a', calls), fakeService('b', calls)], options)
    await isReady
    signals.emit('SIGTERM')
    assert.deepEqual(await run, { reason: 'clean', errors: [] })
    assert.deepEqual(calls, ['start a', 'start b', 'drain b', 'close b', 'drain a', 'close a'])
    assert.equal(signals.listenerCount('SIGTERM'), 0)
  })

  it('closes what had started when a later one does not start, and reports why', async () => {
    const calls: string[] = []
    const { options } = harness()
    const start = async () => Promise.reject(new Error('port in use'))
    const result = await runServices([fakeService('a', calls), fakeService('b', calls, { start }), fakeService('c', calls)], options)
    assert.equal(result.reason, 'failure')
    assert.deepEqual(result.errors.map(String), ['Error: port in use'])
    assert.deepEqual(calls, ['start a', 'drain b', 'close b', 'drain a', 'close a'])
  })

  it('stops all when one fails later', async () => {
    const calls: string[] = []
    const { options, ready } = harness()
    const a = fakeService('a', calls)
    const isReady = ready()
    const run = runServices([a, fakeService('b', calls)], options)
    await isReady
    a.fail(new Error('reader died'))
    const result = await run
    assert.equal(result.reason, 'failure')
    assert.deepEqual(result.errors.map(String), ['Error: reader died'])
    assert.deepEqual(calls.slice(2), ['drain b', 'close b', 'drain a', 'close a'])
  })

  it('collects every error of the way down', async () => {
    const { signals, options, ready } = harness()
    const isReady = ready()
    const fails = (what: string) => async () => Promise.reject(new Error(what))
    const services = [
      fakeService('a', [], { close: fails('close a') }),
      fakeService('b', [], { drain: fails('drain b'), close: fails('close b') }),
    ]
    const run = runServices(services, options)
    await isReady
    signals.emit('SIGINT')
    const result = await run
    assert.equal(result.reason, 'failure')
    assert.deepEqual(
      result.errors.map(({ message }) => message),
      ['drain b', 'close b', 'close a'],
    )
  })

  it('gives up a start that is under way', async () => {
    const calls: string[] = []
    const { signals, options } = harness()
    const starting = Promise.withResolvers<void>()
    const start = (signal: AbortSignal): Promise<void> => {
      starting.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    const run = runServices([fakeService('a', calls, { start }), fakeService('b', calls)], options)
    await starting.promise
    signals.emit('SIGTERM')
    assert.deepEqual(await run, { reason: 'clean', errors: [] })
    assert.deepEqual(calls, ['drain a', 'close a'])
  })

  it('does not wait for a drain past its deadline, and is forced by the one for closing', async () => {
    const { signals, options, ready, logger } = harness({ drainDeadlineMs: 5, closeDeadlineMs: 5 })
    const isReady = ready()
    const run = runServices([fakeService('a', [], { drain: () => never, close: () => never })], options)
    await isReady
    signals.emit('SIGTERM')
    const result = await run
    assert.equal(result.reason, 'forced')
    assert.deepEqual(
      result.errors.map(({ message }) => message),
      ['a is not closed at its deadline'],
    )
    assert.ok(logger.lines.some(({ code }) => code === 'drain_deadline'))
  })

  it('takes the echo of a signal for the same, and is forced by a second one', async () => {
    const draining = Promise.withResolvers<void>()
    let nowMs = 0
    const { signals, options, ready, logger } = harness({ clock: { ...systemClock, nowMs: () => nowMs } })
    const isReady = ready()
    const drain = (): Promise<void> => {
      draining.resolve()
      return never
    }
    const run = runServices([fakeService('a', [], { drain, close: () => never })], options)
    await isReady
    signals.emit('SIGTERM')
    signals.emit('SIGTERM')
    await draining.promise
    assert.ok(!logger.lines.some(({ code }) => code === 'shutdown_forced'))
    nowMs = 1_000
    signals.emit('SIGTERM')
    assert.equal((await run).reason, 'forced')
  })
})
