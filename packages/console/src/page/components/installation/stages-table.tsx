import { clockTime, duration, longDuration } from '../../format.ts'
import { type StageAnswer, type StagesAnswer, stageTone } from '../../installation/stages.ts'
import { useStages } from './use-stages.ts'
import { TableHead } from '../table-head.tsx'

interface Props {
  readonly node: string
  readonly fault: string | null
}

/** The stages of a node as it says them itself: deadline, for how long each has been busy, who holds it. */
export function StagesTable({ node, fault }: Props) {
  const { answer, atMs, problem } = useStages(node, fault)
  return (
    <section class="stages" aria-label={`Stages of ${node}`}>
      <h3>
        Stages <small>{answer !== null && `as ${answer.blockedMs === null ? 'it' : 'its watchdog'} said at ${clockTime(atMs)}`}</small>
      </h3>
      <p role="status">
        {problem !== '' ? (
          <span class="problem">
            It could not be asked{answer === null ? '' : ' again'}: {problem}
          </span>
        ) : (
          answer === null && 'Asking it…'
        )}
      </p>
      {answer !== null && <Told answer={answer} atMs={atMs} />}
    </section>
  )
}

function Told({ answer: { stages, blockedMs, loopDelayMs, heap }, atMs }: { answer: StagesAnswer; atMs: number }) {
  if (stages === null) return <p>Nothing watches this process (watchdog.enabled is false).</p>
  return (
    <>
      {blockedMs !== null && <p class="problem">Its event loop has not turned for {duration(blockedMs)}.</p>}
      {stages.length === 0 ? <p>It has none: its event loop alone is watched.</p> : <Rows stages={stages} atMs={atMs} />}
      {loopDelayMs !== null && (
        <p>
          Event loop late by {duration(loopDelayMs.p99)} (p99), {duration(loopDelayMs.max)} at most
          {heap !== null && `; heap ${mib(heap.usedBytes)} of at most ${mib(heap.limitBytes)} MiB`}
        </p>
      )}
    </>
  )
}

function Rows({ stages, atMs }: { stages: readonly StageAnswer[]; atMs: number }) {
  return (
    <div class="scrolls">
      <table class="list">
        <TableHead of={['Stage', 'Busy', 'Deadline', 'Held by']} />
        <tbody>
          {stages.map((stage) => (
            <StageRow key={stage.stage} stage={stage} atMs={atMs} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function StageRow({ stage, atMs }: { stage: StageAnswer; atMs: number }) {
  const { stage: name, deadlineMs, busyMs, holder, waiting } = stage
  const tone = stageTone(stage)
  const isLong = tone === 'aging' || tone === 'stale'
  return (
    <tr class={tone}>
      <th scope="row">{name}</th>
      <td>
        {busyMs === null ? 'idle' : duration(busyMs)}
        {busyMs !== null && isLong && <small> since {clockTime(atMs - busyMs)}</small>}
      </td>
      <td>
        {longDuration(deadlineMs)}
        {tone === 'stale' && <b> past</b>}
      </td>
      <td class="held">
        {holder?.holder}
        {waiting > 0 && <small> {waiting} wait</small>}
      </td>
    </tr>
  )
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2)
}
