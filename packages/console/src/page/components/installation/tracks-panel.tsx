import { count, duration } from '../../format.ts'
import type { TopologyAnswer } from '../../installation/answers.ts'
import { TableHead } from '../table-head.tsx'

/** Both tracks side by side, while there are gateways of track grey, and what becomes of the release. */
export function TracksPanel({ tracks, grey }: Pick<TopologyAnswer, 'tracks' | 'grey'>) {
  if (tracks.length === 0 && grey === null) return null
  const worse = new Set(grey?.worse.map(({ measure }) => measure))
  const cell = (track: string, measure: string, text: string) => (
    <td class={track === 'grey' && worse.has(measure) ? 'worse' : ''}>{text}</td>
  )
  const ms = (value: number | null) => (value === null ? '–' : duration(value))
  return (
    <section class="panel tracks" aria-label="Grey release">
      <p>{greyLine(grey)}</p>
      {grey?.worse.map(({ measure, message }) => (
        <p key={measure} class="worse">
          {message}
        </p>
      ))}
      {tracks.length > 0 && (
        <table class="list">
          <TableHead of={HEADINGS} />
          <tbody>
            {tracks.map(({ track, gateways, sessions, freshnessMs, latencyMs, errorRate, disconnectRate }) => (
              <tr key={track}>
                <th scope="row">{track}</th>
                <td>{count(gateways)}</td>
                <td>{count(sessions)}</td>
                {cell(track, 'freshnessMs', ms(freshnessMs))}
                {cell(track, 'latencyMs', ms(latencyMs))}
                {cell(track, 'errorRate', errorRate.toFixed(1))}
                {cell(track, 'disconnectRate', disconnectRate.toFixed(1))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** Rates are per 1,000 sessions and minute. */
const HEADINGS = ['Track', 'Gateways', 'Clients', 'Pulse', 'Latency', 'Errors ‰/min', 'Lost ‰/min']

function greyLine(grey: TopologyAnswer['grey']): string {
  if (grey === null) return 'Nobody takes part in a grey release.'
  if (grey.stopped !== null) return `The grey release was stopped by ${grey.stopped.by}: ${grey.stopped.reason}`
  return `Grey release: ${grey.percent} % of all users, ${count(grey.users)} named${grey.setBy === undefined ? '' : `, set by ${grey.setBy}`}.`
}
