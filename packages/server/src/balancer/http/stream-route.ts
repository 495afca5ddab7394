import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { errorAnswer } from './schemas.ts'
import type { EventStreams, Resume } from './streams.ts'

/** The `id` of what was told last. */
const RESUME = /^(\d{1,16}):(\d{1,16})$/

const lastEvent = (where: string) =>
  z
    .string()
    .regex(RESUME, 'expected what the stream gave as id: two whole numbers with a colon between')
    .describe(`The id of the last message that is known already, so that the stream goes on after it${where}.`)

const streamQuery = z.strictObject({
  topology: z.enum(['true', 'false']).default('false').describe('`true`: the topology as well, once a second, as far as there is room.'),
  since: z.exactOptional(lastEvent(', for those who cannot set the header')),
})

const streamHeaders = z.looseObject({ 'last-event-id': z.exactOptional(lastEvent('; it outranks `since`')) })

const FAILURES = { 400: errorAnswer, 401: errorAnswer, 429: errorAnswer, 500: errorAnswer }

/** Events as they happen: Server-Sent Events, for operators. */
export function addStreamRoute(app: FastifyInstance, streams: EventStreams): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/v1/stream',
    {
      schema: {
        operationId: 'stream',
        summary: 'What happens, as it happens',
        description:
          'Server-Sent Events. `events` has what GET /v1/events answers, at the start and whenever there is something new, with an id to go on after; `topology` has what GET /v1/topology answers. A comment every 10 s keeps the connection alive.',
        querystring: streamQuery,
        headers: streamHeaders,
        produces: ['text/event-stream'],
        response: { 200: z.string().describe('text/event-stream'), ...FAILURES },
      },
    },
    (request, reply) => {
      if (request.method === 'HEAD') {
        void reply.type('text/event-stream')
        return ''
      }
      streams.admit(request.ip)
      const resume = resumeOf(request.headers['last-event-id'] ?? request.query.since)
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
      reply.hijack()
      // A proxy that gathers answers before it passes them on would make a stream of this no more.
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      streams.open(reply.raw, request.ip, resume, request.query.topology === 'true')
      return
    },
  )
}

function resumeOf(id: string | undefined): Resume | null {
  const [, startedAtMs, last] = RESUME.exec(id ?? '') ?? []
  return last === undefined ? null : { startedAtMs: Number(startedAtMs), last: Number(last) }
}
