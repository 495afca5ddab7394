import * as z from 'zod'
import { durationMs, flag, listen, text } from '../fields.ts'

export function consoleSection(options: { readonly enabled: boolean }) {
  return z
    .strictObject({
      enabled: flag(
        'Serve the web console: beside a balancer the whole installation and a quote board, beside a gateway alone the board.',
        options.enabled,
      ),
      listen: listen('Where the console is served. It shows everything and asks nobody who they are: keep it inside.', {
        host: '127.0.0.1',
        port: 8090,
      }),
      hosts: z
        .array(
          text(
            'One name.',
            'a host name such as console.example.com, in lower case, without a port',
            /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
          ),
        )
        .max(32)
        .default([])
        .describe(
          'Host names under which the page is served, beside addresses and localhost. Under others nothing is answered: a page elsewhere can give itself a name that leads here.',
        ),
      asks: z
        .strictObject({
          enabled: flag(
            'Let whoever reaches the page trace quotes to users and look up their sessions, by the operator secret of this process. Put a proxy that knows your people before it.',
            false,
          ),
        })
        .prefault({})
        .describe('Questions that the page puts to nodes.'),
    })
    .prefault({})
    .describe('The web console.')
}

export const loggingSection = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least level that is written.'),
    format: z.enum(['json', 'pretty']).default('json').describe('`json`: one object per line. `pretty`: for people.'),
  })
  .prefault({})
  .describe('Log output, on standard error.')

export const shutdownSection = z
  .strictObject({
    drainDeadlineMs: durationMs('After SIGTERM: time to tell receivers and let them move on.', { default: 10_000, min: 0, max: 600_000 }),
    closeDeadlineMs: durationMs('After that: time to close everything; then the process ends with exit code 3.', {
      default: 5_000,
      min: 100,
      max: 600_000,
    }),
  })
  .prefault({})
  .describe('How the process ends.')
