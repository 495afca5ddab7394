import * as z from 'zod'
import { count, text } from '../fields.ts'

export const tracesSection = z
  .strictObject({
    endpoint: z.exactOptional(
      text(
        'Collector that spans are sent to, as OTLP over HTTP with JSON; without a path, /v1/traces is meant. Absent: nothing is traced.',
        'an HTTP address such as http://collector:4318',
        /^https?:\/\/[^\s?#]+$/,
      ),
    ),
    ratio: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Part of the records without a `traceparent` header that begin a trace of their own. 0: only those are followed whose producer has sampled them. On push nodes.',
      ),
    perSecondMax: count('Updates that this process begins to follow in a second, however many are sampled.', {
      default: 100,
      max: 100_000,
    }),
    receiversMax: count('Receivers of each update that this process looks at; where there are more, it takes some of them.', {
      default: 8,
      max: 1_000,
    }),
  })
  .prefault({})
  .describe('Traces of sampled updates, for OpenTelemetry.')
