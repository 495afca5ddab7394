import {
  type BalancerConfig,
  ControlDirectory,
  type Directory,
  JoinedDirectory,
  type Logger,
  type NamedService,
  openKafkaByConfig,
} from '@pulsewire/server'
import { logService } from './log-service.ts'

/**
 * What a balancer knows of zones whose Kafka is their own, beside its own directory. They are opened without waiting: one that
 * is not there hinders nobody, and is read as soon as it is.
 */
export function joinOtherZones(
  { node, directory: { lifeMs }, balancer: { otherZones } }: BalancerConfig,
  home: Directory,
  logger: Logger,
): { readonly directory: Directory; readonly services: NamedService[] } {
  if (otherZones.length === 0) return { directory: home, services: [] }
  const opened = otherZones.map(({ zone, topic, log: config }) => {
    const log = openKafkaByConfig(config, node.id)
    const directory = new ControlDirectory({ log, topic, lifeMs, otherZone: zone, logger: logger.child({ ofZone: zone }) })
    return { zone, log, directory }
  })
  const services = opened.flatMap(({ zone, log, directory }) => [
    { name: `log of zone ${zone}`, service: logService(log) },
    { name: `directory of zone ${zone}`, service: directory },
  ])
  const others = opened.map(({ directory }) => directory)
  return { directory: new JoinedDirectory(home, others, logger), services }
}
