/** The orders of the page, over HTTP: from this machine and from the demo's own page alone. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BreaksAnswer } from '@pulsewire/console'
import { BreakRefused } from './break.ts'
import type { Breaks } from './breaks.ts'
import type { Story } from './story.ts'

const BODY_BYTES_MAX = 1024
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/

export function serveBreaks(breaks: Breaks, story: Story): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void handle(breaks, story, request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      response.end(JSON.stringify(body))
    })
  }
}

type Answer = readonly [status: number, body: object]

async function handle(breaks: Breaks, story: Story, request: IncomingMessage): Promise<Answer> {
  const denied = denial(request)
  if (denied !== null) return [403, { message: denied }]
  const path = request.url!.split('?')[0]!
  const all: BreaksAnswer = { breaks: breaks.states, story: story.entries }
  if (request.method === 'GET' && path === '/api/break') return [200, all]
  const id = /^\/api\/break\/([a-z]+)$/.exec(path)?.[1]
  if (request.method !== 'POST' || id === undefined) return [404, { message: 'GET /api/break, or POST /api/break/ID' }]
  const order = await readOrder(request)
  if (order === null) return [400, { message: 'the body is JSON: { "on": true, "target": "push-a1" }' }]
  try {
    await breaks.order(id, order.on, order.target)
    return [200, { breaks: breaks.states }]
  } catch (error) {
    if (error instanceof BreakRefused) return [409, { message: error.message }]
    return [500, { message: (error as Error).message }]
  }
}

/**
 * Why a request is not answered. A page elsewhere can make a browser send requests here, under a name of its own that leads
 * to this machine, or without asking first: neither gets in.
 */
export function denial({ headers, method, socket }: IncomingMessage): string | null {
  const { host = '', origin } = headers
  if (!LOOPBACK.test(host)) return 'only under a name of this machine'
  if (!/^(::1|(::ffff:)?127\.)/.test(socket.remoteAddress ?? '')) return 'only from this machine'
  if (method === 'GET') return null
  if (origin !== `http://${host}`) return 'only from the page of this demo'
  if (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-site'] !== 'same-origin') return 'only from the page of this demo'
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return 'only as application/json'
  return null
}

async function readOrder(request: IncomingMessage): Promise<{ readonly on: boolean; readonly target: string } | null> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > BODY_BYTES_MAX) return null
  }
  try {
    const { on, target } = JSON.parse(text) as { on?: unknown; target?: unknown }
    return typeof on === 'boolean' && typeof target === 'string' ? { on, target } : null
  } catch {
    return null
  }
}
