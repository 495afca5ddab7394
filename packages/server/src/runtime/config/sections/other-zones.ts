import * as z from 'zod'
import { nodeName } from '../fields.ts'
import { controlTopic } from './directory.ts'
import { otherLogSection } from './log.ts'

const otherZone = z
  .strictObject({
    zone: nodeName('Name by which this balancer calls it. Where its nodes are they say themselves (`node.zone`).'),
    log: otherLogSection,
    topic: controlTopic('Its control topic, which is read and never made or written from here.'),
  })
  .describe('One further Kafka.')

export const otherZones = z.array(otherZone).max(16).default([]).meta({
  description:
    'Zones whose nodes have a Kafka of their own: their gateways are proven and handed out as well, for clients whose own zone is lost. Not zones that share the Kafka of this balancer. `directory.lifeMs` holds for them, too.',
  expected: 'a list such as [{ zone: hk-1, log: { brokers: [kafka-hk:9092] } }]',
})
