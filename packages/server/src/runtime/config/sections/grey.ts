import * as z from 'zod'
import { count, durationMs, flag } from '../fields.ts'

const PER = 'per 1,000 sessions and minute'

/** What a balancer makes of a grey release. */
export const greySection = z
  .strictObject({
    stop: flag('Stop a grey release by itself when its gateways are worse than the stable ones; an operator may set another.', true),
    windowMs: durationMs('Both tracks are compared by what was seen in the last of it.', { default: 60_000, min: 5_000, max: 3_600_000 }),
    holdMs: durationMs('So long it must be worse without a pause.', { default: 20_000, min: 1_000, max: 3_600_000 }),
    looksMin: count('Seconds for which both tracks must have been seen since the release was set, at most those of the window.', {
      default: 20,
      max: 3_600,
    }),
    eventsMin: count('Lost connections, or errors, of the grey track in the window; fewer say nothing, whatever rate they make.', {
      default: 5,
      max: 1_000_000,
    }),
    bounds: z
      .strictObject({
        freshnessMs: durationMs('By how much later pulses may come, as this balancer’s probes hear them.', { default: 500 }),
        latencyMs: durationMs('By how much an update may take longer from its record until it is sent.', { default: 100 }),
        errorRate: count(`How many more sessions may end by a fault of the gateway, ${PER}.`, { default: 5 }),
        disconnectRate: count(`How many more connections may be lost, ${PER}.`, { default: 20 }),
      })
      .prefault({})
      .describe('By how much the grey track may be worse than the stable one.'),
  })
  .prefault({})
  .describe('The grey release: how both tracks are compared, and when it is stopped.')
