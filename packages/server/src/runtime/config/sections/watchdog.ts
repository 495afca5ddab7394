import * as z from 'zod'
import { bytes, count, durationMs, flag, listen } from '../fields.ts'

const reports = z
  .strictObject({
    directory: z.exactOptional(
      z
        .string()
        .min(1)
        .describe(
          'Where reports are written; made when it is not there. Default: `reports` in $STATE_DIRECTORY, else in a directory of the user below the temporary one.',
        ),
    ),
    filesMax: count('Reports kept at most; the oldest go first.', { default: 20, max: 10_000 }),
    bytesMax: bytes('Bytes of all reports together.', { default: 32 * 1024 ** 2, min: 64 * 1024 }),
  })
  .prefault({})
  .describe('Reports of what was stuck: stages, holders, stack, memory. For the owner only, without secrets.')

const probes = z
  .strictObject({
    enabled: flag(
      'Serve `/live`, `/ready`, `/metrics` and, with an operator secret, questions of operators from the watchdog’s thread, on a port of their own: they answer also while the event loop is blocked.',
      false,
    ),
    listen: listen('Where they are served.', { host: '127.0.0.1', port: 8099 }),
  })
  .prefault({})
  .describe('Probes apart from the role’s own port. A pulse writer has no other.')

const memory = z
  .strictObject({
    shedAbovePercent: z
      .int()
      .min(50)
      .max(99)
      .default(85)
      .describe('Part of the memory limit above which no new sessions are taken and the slowest receivers are cut.'),
    limitBytes: z.exactOptional(
      z
        .int()
        .min(16 * 1024 ** 2)
        .describe('Memory that the process may take as a whole. Default: the limit of its container, if it has one.'),
    ),
  })
  .prefault({})
  .describe('What happens when memory runs short. V8’s own limit (`--max-old-space-size`) counts as well.')

export const watchdogSection = z
  .strictObject({
    enabled: flag('Watch the stages and the event loop of this process, and end it for its supervisor when one is stuck.', true),
    stageDeadlineMs: durationMs('How long local work, such as taking one batch of records or one flush, may take.', {
      default: 2_000,
      min: 100,
      max: 600_000,
    }),
    stageExitAfterMs: durationMs('How long a stage past its deadline may still come back, before the process ends with exit code 4.', {
      default: 5_000,
      min: 100,
      max: 600_000,
    }),
    loopDeadlineMs: durationMs('How long the event loop may stand still.', { default: 1_250, min: 500, max: 600_000 }),
    loopExitAfterMs: durationMs('How long a blocked event loop may still come back, before the process ends with exit code 5.', {
      default: 4_000,
      min: 100,
      max: 600_000,
    }),
    reports,
    probes,
    memory,
  })
  .prefault({})
  .describe('The watchdog.')

export const faultsSection = z
  .strictObject({
    enabled: flag('Take orders to break this process, for tests and demonstrations. Never in production.', false),
    listen: listen('Where orders are taken; only a loopback address is accepted.', { host: '127.0.0.1', port: 0 }),
  })
  .prefault({})
  .describe('Faults on request.')
