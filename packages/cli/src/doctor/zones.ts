/** Zones whose Kafka is their own, as a balancer's configuration names them: can their control topics be read from here? */
import {
  ControlDirectory,
  type Directory,
  DirectoryError,
  openKafkaByConfig,
  type OtherZoneConfig,
  PulsewireError,
  silentLogger,
  type TopicComplaint,
} from '@pulsewire/server'
import { READ_BACK_MS_MAX, whenCurrent, within } from '../nodes/open.ts'
import { judgeComplaint, readComplaint } from './control-topic.ts'
import { type Check, note, ok, problem, some } from './check.ts'

export interface ZoneFacts {
  readonly zone: string
  readonly topic: string
  /** Names of nodes that live there; or why the topic cannot be read. */
  readonly found: { readonly nodes: readonly string[]; readonly gateways: number } | { readonly failure: string }
  /** What is wrong with the settings of the topic. */
  readonly complaint?: TopicComplaint | null
}

export async function examineZones(zones: readonly OtherZoneConfig[], lifeMs: number, home: Iterable<string>): Promise<Check[]> {
  const facts = await Promise.all(zones.map((zone) => readZone(zone, lifeMs)))
  return judgeZones(facts, [...home])
}

/** @param home names of the nodes of the own log. */
export function judgeZones(all: readonly ZoneFacts[], home: readonly string[]): Check[] {
  const names = new Map(home.map((name) => [name, 'the own one']))
  return all.flatMap(({ zone, topic, found, complaint = null }) => {
    if ('failure' in found) {
      const why = 'balancers with this configuration do not know its gateways: clients go there only by lists that they have'
      const todo = 'does its Kafka run? Are brokers, login, topic and the network between the zones right (balancer.otherZones)?'
      return [problem('balancers', `control topic ${topic} of zone ${zone} cannot be read: ${found.failure}`, why, todo)]
    }
    const checks = judgeComplaint('balancers', complaint, `zone ${zone}: `)
    const taken = found.nodes.filter((name) => names.has(name))
    if (taken.length > 0) {
      const who = taken.map((name) => `${name} (in ${names.get(name)})`)
      const why = 'balancers that see both leave it out: no client is sent there'
      checks.push(
        problem('balancers', `zone ${zone} has nodes whose names others have: ${some(who)}`, why, 'give each a node.id of its own'),
      )
    }
    for (const name of found.nodes) if (!names.has(name)) names.set(name, `zone ${zone}`)
    if (found.gateways === 0) {
      const why = 'clients of a zone that is lost have nowhere to go there'
      checks.push(note('balancers', `zone ${zone} has no gateway now`, why, 'is directory.enabled set there, and the topic right?'))
    } else if (checks.length === 0) {
      checks.push(
        ok('balancers', `control topic ${topic} of zone ${zone} can be read: ${found.nodes.length} nodes, ${found.gateways} gateways`),
      )
    }
    return checks
  })
}

async function readZone({ zone, topic, log: config }: OtherZoneConfig, lifeMs: number): Promise<ZoneFacts> {
  const log = openKafkaByConfig(config, 'doctor')
  const directory = new ControlDirectory({ log, topic, lifeMs, otherZone: zone, logger: silentLogger })
  try {
    await directory.start()
    const late = () => new DirectoryError('control_topic_silent', directory.trouble ?? 'nothing comes from it')
    await within(READ_BACK_MS_MAX, directory.readBack, late)
    await whenCurrent({ directory })
    return { zone, topic, found: livingOf(directory), complaint: await readComplaint(log, topic) }
  } catch (error) {
    if (!(error instanceof PulsewireError)) throw error
    return { zone, topic, found: { failure: error.message } }
  } finally {
    await directory.close()
    await log.close()
  }
}

function livingOf({ nodes }: Pick<Directory, 'nodes'>): { readonly nodes: readonly string[]; readonly gateways: number } {
  const living = [...nodes.values()].filter(({ state }) => state === 'live')
  return { nodes: living.map(({ lease }) => lease.node), gateways: living.filter(({ lease }) => lease.role === 'gateway').length }
}
