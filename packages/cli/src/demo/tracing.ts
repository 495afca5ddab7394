import type { IncomingMessage, ServerResponse } from 'node:http'
import { AskError, Asker, type Finding, judgeTrace, operatorOf, type TraceTarget, walkTrace } from '@pulsewire/server'
import { traceRows } from '../trace/format.ts'
import { denial } from './breaks/index.ts'

const WHO = 'page of the demo'

/** Answers `/api/trace?symbol=AAPL.US&user=console` as `pulsewire trace` does, over the gateways of the demo. */
export function serveTraces(gateways: readonly string[], secret: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void handle(gateways, secret, request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      response.end(JSON.stringify(body))
    })
  }
}

async function handle(gateways: readonly string[], secret: string, request: IncomingMessage): Promise<readonly [number, object]> {
  const denied = request.method === 'GET' ? denial(request) : 'a trace is asked for with GET'
  if (denied !== null) return [403, { message: denied }]
  const { searchParams } = new URL(request.url!, 'http://localhost')
  const { symbol, user, feed = 'quote' } = Object.fromEntries(searchParams)
  if (symbol === undefined || symbol === '') return [400, { message: 'name a symbol' }]
  try {
    return [200, await traceOver(gateways, secret, { symbol, feed, ...(user === undefined ? {} : { user }) })]
  } catch (error) {
    return [502, { message: (error as Error).message }]
  }
}

/** What `pulsewire trace` finds, over the gateways of the demo. @throws AskError when nobody could be asked. */
export async function traceOver(
  gateways: readonly string[],
  text: string,
  target: TraceTarget,
): Promise<{ readonly findings: readonly Finding[]; readonly rows: ReturnType<typeof traceRows> }> {
  const { secret } = operatorOf({ secret: text })
  const opened = await Promise.allSettled(gateways.map((address) => Asker.connect(address, secret!, WHO)))
  const askers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  try {
    const reasons = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []))
    const unreached = reasons.map((reason) => (reason instanceof AskError ? reason : new AskError('ask_failed', reason.message)))
    const facts = await walkTrace(askers, unreached, target)
    return { findings: judgeTrace(facts), rows: traceRows(facts) }
  } finally {
    for (const asker of askers) asker[Symbol.dispose]()
  }
}
