/** Where a record lies in the log. Positions of one symbol only grow. */
export interface Position {
  readonly generation: number
  readonly partition: number
  readonly offset: number
}

export function formatPosition(position: Position): string {
  return `${position.generation}:${position.partition}:${position.offset}`
}

/** `undefined` when the text is no position. */
export function parsePosition(text: string): Position | undefined {
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,16})$/.exec(text)
  if (match === null) return undefined
  const offset = Number(match[3])
  if (!Number.isSafeInteger(offset)) return undefined
  return { generation: Number(match[1]), partition: Number(match[2]), offset }
}

/**
 * Orders two records of one symbol: negative when `a` is older. Across partitions of one generation, which happens only
 * after a topic was given more partitions, offsets do not compare, so the record time decides.
 */
export function comparePositions(a: Position, aTimestampMs: number, b: Position, bTimestampMs: number): number {
  if (a.generation !== b.generation) return a.generation - b.generation
  if (a.partition === b.partition) return a.offset - b.offset
  return aTimestampMs !== bTimestampMs ? aTimestampMs - bTimestampMs : a.partition - b.partition
}
