import * as z from 'zod'
import { nodeName } from '../fields.ts'

const identity = {
  id: z.exactOptional(
    nodeName(
      'Name of this node, unique in the installation; it appears as hop in every freshness message. Default: host name, role and port.',
    ),
  ),
  zone: nodeName('Data centre that the node stands in.').default('default'),
  track: z.enum(['stable', 'grey']).default('stable').describe('`grey` marks a node under grey release.'),
}

export const nodeSection = z.strictObject(identity).prefault({}).describe('Who this node is.')

/** Only push nodes belong to a line. */
export const linedNodeSection = z
  .strictObject({
    ...identity,
    line: z.enum(['A', 'B']).default('A').describe('Line of this push node. Each line carries all partitions; gateways read both.'),
  })
  .prefault({})
  .describe('Who this node is.')
