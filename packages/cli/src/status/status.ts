import { setTimeout } from 'node:timers/promises'
import type { EventsAnswer, Topology } from '@pulsewire/server'
import { createLogUpdate } from 'log-update'
import { askBalancer } from '../verdicts/fetch.ts'
import { statusTable } from './table.ts'

export interface StatusOptions {
  readonly url: string
  readonly json: boolean
  readonly colour: boolean
  /** There is room for so many lines; absent: for all. */
  readonly linesMax?: number
}

/** As often as leases are beaten. */
const INTERVAL_MS = 1000
const EVENTS_SHOWN = 8

/** The topology once. @throws PulsewireError `balancer_unreachable`, `balancer_answer` */
export async function status({ url, json, colour, linesMax = Number.POSITIVE_INFINITY }: StatusOptions): Promise<string> {
  const topology = await askBalancer<Topology>({ url, path: '/v1/topology', member: 'nodes' })
  if (json) return JSON.stringify(topology)
  const { events } = await askBalancer<EventsAnswer>({ url, path: '/v1/events', member: 'events' })
  const newest = events.slice(-EVENTS_SHOWN)
  const whole = statusTable(topology, newest, { colour })
  return whole.split('\n').length <= linesMax ? whole : statusTable(topology, newest, { colour, brief: true })
}

/** The topology once a second, until the signal: redrawn in place on a terminal, one JSON object a line with `json`. */
export async function watchStatus(
  options: StatusOptions,
  stdout: NodeJS.WritableStream & { readonly rows?: number },
  signal: AbortSignal,
): Promise<void> {
  const draw = options.json ? (text: string) => void stdout.write(`${text}\n`) : createLogUpdate(stdout)
  let last = ''
  while (!signal.aborted) {
    try {
      // What has no room on a terminal is cut off at the top.
      last = await status({ ...options, ...(stdout.rows === undefined ? {} : { linesMax: stdout.rows - 1 }) })
      draw(last)
    } catch (error) {
      // It may be back in a moment: what was known last stays on the screen, and is said to be old.
      if (options.json) throw error
      draw(`${last}${last === '' ? '' : '\n\n'}${(error as Error).message}`)
    }
    await setTimeout(INTERVAL_MS, undefined, { signal }).catch(() => {})
  }
  if ('done' in draw) draw.done()
}
