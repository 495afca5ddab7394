/**
 * Which of a feed's partitions this node is to read, of so many that there are and given those that it reads now.
 * `undefined`: that is not known yet.
 */
export type ChoosePartitions = (partitions: number, held: Iterable<number>) => readonly number[] | undefined

/** All, those that are listed, or a choice that changes. */
export type WantedPartitions = 'all' | readonly number[] | ChoosePartitions

/** Those of so many that are wanted now, given those that are read; `undefined` while that is not known. */
export function chosen(wanted: WantedPartitions, partitions: number, held: Iterable<number>): readonly number[] | undefined {
  if (typeof wanted === 'function') return wanted(partitions, held)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return wanted === 'all' ? all : all.filter((partition) => wanted.includes(partition))
}
