import * as z from 'zod'
import { durationMs, flag, text } from '../fields.ts'

export function controlTopic(description: string) {
  const expected = 'a topic name: 1 to 249 letters, digits, dots, dashes or underscores'
  return text(description, expected, /^[A-Za-z0-9._-]{1,249}$/).default('pulsewire.control')
}

export const directorySection = z
  .strictObject({
    enabled: flag(
      'This node beats a lease into the control topic and knows others by theirs: gateways find push nodes, the push nodes of a line share its partitions, and `pulsewire node offline` reaches it.',
      false,
    ),
    topic: controlTopic('Control topic, the same for all nodes. Made when it is missing: 1 partition, compacted.'),
    beatIntervalMs: durationMs('How often this node writes its lease.', { default: 1_000, min: 50, max: 60_000 }),
    lifeMs: durationMs('So long after its last beat was read, this node is taken for gone. At least three beats.', {
      default: 3_000,
      min: 150,
      max: 600_000,
    }),
  })
  .prefault({})
  .describe("The directory: leases, operators' words and the feed catalogue, in a topic of the log.")
