import { ago, type AnswersAnswer, span } from '@pulsewire/server'
import type { SessionsFound } from './sessions.ts'

type Given = AnswersAnswer['answers'][number]

/** Of each balancer, the newest. */
const SHOWN_MAX = 3
/** What two nodes make of the same moment may differ by this, and a session is open a moment before it says so. */
const CLOCKS_DIFFER_MS = 1000

/** The user has asked a balancer that remembers it. */
export function hasAsked(balancers: readonly AnswersAnswer[]): boolean {
  return balancers.some(({ answers }) => answers.length > 0)
}

/** What each balancer gave to the user, the newest last, and to which session it led. */
export function balancerLines({ balancers, gateways }: Pick<SessionsFound, 'balancers' | 'gateways'>): string[] {
  const led = ledTo(balancers, gateways)
  const lines = balancers.flatMap(({ node, nowMs, answers }) =>
    answers.slice(-SHOWN_MAX).map((answer) => {
      const sessions = led.get(answer)
      return `balancer ${node} ${gave(answer)} ${ago(Math.max(0, nowMs - answer.atMs))}${aside(answer)}${sessions === undefined ? '' : `; it led to session ${sessions.join(', ')}`}`
    }),
  )
  const silent = balancers.filter(({ answers }) => answers.length === 0)
  if (silent.length === 0) return lines
  const since = silent.map(({ node, nowMs, sinceMs }) => `${node} (in the last ${span(Math.max(0, nowMs - sinceMs))})`).join(', ')
  return [...lines, `never asked ${since}`]
}

function gave({ gateways }: Given): string {
  if (gateways.length === 0) return 'had no gateway to give'
  return `gave ${gateways.map(({ node, address }) => `${node}: ${address}`).join(', ')}`
}

/** What the client said of itself, and what else there is to the answer. */
function aside({ client, zone, track, degraded, refused, connectAfterMs }: Given): string {
  const words = [
    `track ${track}`,
    ...(zone === '' ? [] : [`zone ${zone}`]),
    ...(client === '' ? [] : [`to ${client}`]),
    ...(connectAfterMs > 0 ? [`to connect after ${span(connectAfterMs)}`] : []),
    ...(refused ? ['it had been refused'] : []),
    ...(degraded ? ['nobody vouched for them'] : []),
  ]
  return ` (${words.join(', ')})`
}

/** Of each session that is open, the newest answer before it that names its gateway: a client uses its list for some time. */
function ledTo(balancers: SessionsFound['balancers'], gateways: SessionsFound['gateways']): Map<Given, string[]> {
  const given = balancers
    .flatMap(({ nowMs, answers }) => answers.map((answer) => ({ answer, agoMs: nowMs - answer.atMs })))
    .sort((a, b) => a.agoMs - b.agoMs)
  const led = new Map<Given, string[]>()
  for (const { node, open } of gateways)
    for (const { session, openForMs } of open) {
      const found = given.find(
        ({ answer, agoMs }) => agoMs >= openForMs - CLOCKS_DIFFER_MS && answer.gateways.some((gateway) => gateway.node === node),
      )
      if (found !== undefined) led.set(found.answer, [...(led.get(found.answer) ?? []), session])
    }
  return led
}
