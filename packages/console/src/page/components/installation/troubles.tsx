import type { Installation } from '../../installation/installation.ts'
import { clockTime, longDuration } from '../../format.ts'

/** What holds for all: nobody answers, the directory is silent, clients are given unproven gateways. */
export function Troubles({ installation }: { installation: Installation }) {
  const { failedSinceMs, topology } = installation
  const lines: string[] = []
  if (failedSinceMs !== null)
    lines.push(
      `The balancer has not answered since ${clockTime(failedSinceMs)}${topology === null ? '.' : ': the picture is what was known last.'}`,
    )
  for (const { track, message, sinceMs } of topology?.degraded ?? [])
    lines.push(`Track ${track}, for ${longDuration(topology!.atMs - sinceMs)}: ${message}`)
  return (
    <div class="troubles" role="status">
      {lines.map((line) => (
        <p key={line.slice(0, 24)}>{line}</p>
      ))}
    </div>
  )
}
