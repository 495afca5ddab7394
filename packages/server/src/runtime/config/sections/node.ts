import * as z from 'zod'
import { nodeName, text } from '../fields.ts'

const identity = {
  id: z.exactOptional(
    nodeName(
      'Name of this node, unique in the installation; it appears as hop in every freshness message. Default: host name, role and port.',
    ),
  ),
  zone: nodeName('Data centre that the node stands in.').default('default'),
  advertise: z
    .array(
      text(
        'One address.',
        'a WebSocket address such as ws://gw-1:8080, or ws://gw-1:0 for whatever port it listens on',
        /^wss?:\/\/[^\s/?#]+:\d{1,5}\/?$/,
      ),
    )
    .max(16)
    .default([])
    .describe(
      'Addresses at which others reach this node, as its lease says: clients a gateway, gateways a push node. Default: host and port that it listens on, unless that is every address of the machine.',
    ),
  production: z.exactOptional(
    z
      .boolean()
      .describe(
        'Refuse to start with what is for development: nobody checked, everybody let in, secrets of examples (docs/security.md). Default: whether NODE_ENV is `production`.',
      ),
  ),
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
