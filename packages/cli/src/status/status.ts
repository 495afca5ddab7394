import { setTimeout } from 'node:timers/promises'
import type { EventsAnswer, Topology } from '@pulsewire/server'
import { createLogUpdate } from 'log-update'
import stringWidth from 'string-width'
import { askBalancer } from '../verdicts/fetch.ts'
import { statusTable } from './table.ts'

export interface StatusOptions {
  readonly url: string
  readonly json: boolean
  readonly colour: boolean
  /** What there is room for; absent: for all. */
  readonly room?: { readonly rows: number; readonly columns: number }
}

/** As often as leases are beaten. */
const INTERVAL_MS = 1000
const EVENTS_SHOWN = 8
const EVENTS_SHOWN_BRIEFLY = 3

/** The topology once. @throws PulsewireError `balancer_unreachable`, `balancer_answer` */
export async function status({ url, json, colour, room }: StatusOptions): Promise<string> {
  const topology = await askBalancer<Topology>({ url, path: '/v1/topology', member: 'nodes' })
  if (json) return JSON.stringify(topology)
  const { events } = await askBalancer<EventsAnswer>({ url, path: '/v1/events', member: 'events' })
  const whole = statusTable(topology, events.slice(-EVENTS_SHOWN), { colour })
  if (room === undefined || fits(whole, room)) return whole
  return statusTable(topology, events.slice(-EVENTS_SHOWN_BRIEFLY), { colour, brief: true })
}

/** Long lines take several rows. */
function fits(text: string, { rows, columns }: { readonly rows: number; readonly columns: number }): boolean {
  return text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0) <= rows
}

/** The topology once a second, until the signal: redrawn in place on a terminal, one JSON object a line with `json`. */
export async function watchStatus(
  options: StatusOptions,
  stdout: NodeJS.WritableStream & { readonly rows?: number; readonly columns?: number },
  signal: AbortSignal,
): Promise<void> {
  const draw = options.json ? (text: string) => void stdout.write(`${text}\n`) : createLogUpdate(stdout)
  let last = ''
  while (!signal.aborted) {
    try {
      // What has no room on a terminal is cut off at the top.
      last = await status({ ...options, ...roomOf(stdout) })
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

function roomOf({ rows, columns }: { readonly rows?: number; readonly columns?: number }): Pick<StatusOptions, 'room'> {
  return rows === undefined || columns === undefined ? {} : { room: { rows: rows - 1, columns } }
}
