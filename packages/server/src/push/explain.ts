import type { StaleCause } from '../hub/index.ts'

/** What a push node knows of a partition whose pulses are missing. Times are steady ms of its own clock. */
export interface PartitionFacts {
  readonly node: string
  readonly feed: string
  readonly topic: string
  readonly partition: number
  /** Why the topic cannot be read; `null` while it can. */
  readonly trouble: Pick<StaleCause, 'reason' | 'message'> | null
  /** Offset from which on records are missing. */
  readonly holeFrom: number | undefined
  /** Read up to its seam, and held there until the feed moves. */
  readonly isHeld: boolean
  /** When the last record came that is no pulse. */
  readonly recordAtMs: number | undefined
  /** When the first such record came since the last pulse. */
  readonly unprovenSinceMs: number | undefined
  /** When the newest pulse came. */
  readonly pulseAtMs: number | undefined
  /** When the last pulse came, where it is of a writer whose clock this node does not know yet, so that it proves nothing. */
  readonly unknownAtMs: number | undefined
  /** What was there before has been read. */
  readonly isWarm: boolean
  /** What is younger is held back; 0: nothing is. */
  readonly delayMs: number
}

/** Why a partition is stale at a push node: what is wrong with its own reading first, then what the log does not bring. */
export function explainPartition(facts: PartitionFacts, nowMs: number, staleAfterMs: number): StaleCause {
  const { node, feed, topic, partition, trouble, holeFrom } = facts
  const place = `${topic}/${partition}`
  const isYoung = (atMs: number | undefined) => atMs !== undefined && nowMs - atMs < staleAfterMs
  if (trouble !== null) return { hop: 'log', ...trouble }
  if (holeFrom !== undefined) {
    const message = `what this node is given of ${place} lacks records from offset ${holeFrom} on; they are being read again`
    return { hop: node, reason: 'reader_stalled', message }
  }
  if (facts.isHeld) {
    const message = `feed ${feed} moves: ${place} has been read up to its end, and the next topic not yet`
    return { hop: node, reason: 'warming', message }
  }
  if (isYoung(facts.recordAtMs)) {
    // A node that was away reads what it missed, and finds the pulses between the records in a moment.
    if (nowMs - (facts.unprovenSinceMs ?? nowMs) < staleAfterMs / 2)
      return { hop: node, reason: 'resyncing', message: `records of ${place} come again, and no young pulse among them yet` }
    return { hop: 'log', reason: 'unproven', message: `records of ${place} flow but no pulses do: is a pulse writer running?` }
  }
  if (isYoung(facts.pulseAtMs)) return { hop: 'log', reason: 'lagging', message: `pulses of ${place} arrive late` }
  if (facts.delayMs > 0 && facts.pulseAtMs === undefined) {
    const message = `feed ${feed} is delayed by ${facts.delayMs / 1000} s, and no pulse of ${place} is as old yet`
    return { hop: node, reason: 'warming', message }
  }
  if (!facts.isWarm) return warming(node, topic)
  // They do come: it is this node that was away, or has just come, and what was held up meanwhile says nothing of clocks.
  if (isYoung(facts.unknownAtMs))
    return { hop: node, reason: 'resyncing', message: `pulses of ${place} come again, and their age cannot be told yet` }
  return { hop: 'log', reason: 'no_pulse', message: `neither pulses nor records come from ${place}` }
}

export function warming(node: string, topic: string): StaleCause {
  return { hop: node, reason: 'warming', message: `topic ${topic} is being read in` }
}
