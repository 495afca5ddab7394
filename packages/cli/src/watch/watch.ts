import type { EventEmitter } from 'node:events'
import { type ClientOptions, PulsewireClient, PulsewireError, type Subscription } from '@pulsewire/client'
import { EXIT_CODES } from '@pulsewire/server'
import { jsonLines, textLines } from './lines.ts'
import { LineOutput } from './line-output.ts'
import { TableView } from './table-view.ts'
import type { Terminal } from './table-view.ts'

export interface WatchOptions {
  /** Gateways; with balancers as well, those are only for when no balancer answers. */
  readonly urls: readonly string[]
  readonly balancers: readonly string[]
  readonly feed: string
  readonly symbols: readonly string[]
  readonly patterns: readonly string[]
  readonly groups: readonly string[]
  readonly fields?: readonly string[]
  readonly maxRate?: number
  readonly token?: string
  readonly format: 'table' | 'lines' | 'json'
}

export interface WatchIo {
  readonly stdout: Terminal
  readonly stderr: { write(text: string): unknown }
  /** Emits SIGINT and SIGTERM. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>
}

/** What shows the subscription: told of everything, shows what it can. */
export interface View {
  /** Shows updates until the subscription ends. */
  run(subscription: Subscription): Promise<void>
  /** The state of these symbols changed. */
  onState(symbols: readonly string[]): void
  /** What concerns the whole connection: connecting, lost, moved. */
  onConnection(message: string): void
  close(): void
}

/** Watches until a signal, a closed pipe, or until nothing is left to watch. @returns the exit code. */
export async function watch(options: WatchOptions, io: WatchIo): Promise<number> {
  const client = new PulsewireClient(clientOptions(options))
  const output = new LineOutput(io.stdout)
  const view = createView(options, io, output)
  // What the server refused stays refused; everything else the client repairs by itself.
  let trouble: string | undefined
  const say = (message: string): void => void io.stderr.write(`${message}\n`)

  const stop = (): void => void client.close()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) io.signals.on(signal, stop)
  void output.closed.then(stop)
  try {
    const subscription = client.subscribe(subscribeOptions(options), {
      onState: (_, { symbols }) => view.onState(symbols),
      onEnded: ({ symbol, code, message }) => {
        if (code !== 'closed') say((trouble = `${symbol || options.feed}: ${code}: ${message}`))
      },
      onGap: ({ symbol, from, to }) => say(`${symbol}: records between ${from} and ${to} are missing`),
    })
    client.on('state', ({ state, url, error, retryInMs }) => view.onConnection(connectionMessage(state, url, error, retryInMs)))
    client.on('session', ({ node, url }) => view.onConnection(`${node} serves at ${url}`))
    client.on('notice', ({ code, message }) => view.onConnection(`${code}: ${message}`))
    await view.run(subscription)
  } catch (error) {
    if (!(error instanceof PulsewireError)) throw error
    trouble ??= `${error.code}: ${error.message}`
    say(`${error.code}: ${error.message}`)
  } finally {
    view.close()
    await client.close()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) io.signals.off(signal, stop)
  }
  return trouble === undefined || output.isClosed ? EXIT_CODES.clean[0] : EXIT_CODES.failure[0]
}

function createView(options: WatchOptions, io: WatchIo, output: LineOutput): View {
  if (options.format === 'json') return jsonLines(output, io.stderr)
  if (options.format === 'lines') return textLines(output, io.stderr)
  return new TableView(io.stdout, options)
}

function clientOptions({ urls, balancers, token }: WatchOptions): ClientOptions {
  return {
    ...(urls.length === 0 ? {} : { url: urls }),
    ...(balancers.length === 0 ? {} : { balancer: balancers }),
    name: 'pulsewire-watch',
    ...(token === undefined ? {} : { token }),
  }
}

function subscribeOptions({ feed, symbols, patterns, groups, fields, maxRate }: WatchOptions) {
  return { feed, symbols, patterns, groups, ...(fields === undefined ? {} : { fields }), ...(maxRate === undefined ? {} : { maxRate }) }
}

function connectionMessage(state: string, url: string | undefined, error: Error | undefined, retryInMs: number | undefined): string {
  const parts = [state]
  if (url !== undefined) parts.push(url)
  if (error !== undefined) parts.push(`(${error.message})`)
  if (retryInMs !== undefined) parts.push(`again in ${Math.round(retryInMs)} ms`)
  return parts.join(' ')
}
