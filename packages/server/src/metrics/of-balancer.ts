import type { Metric } from './metric.ts'

const ZOMBIE: ReadonlySet<string> = new Set(['generation_retired', 'topic_differs', 'wrong_node'])
const GONE: ReadonlySet<string> = new Set(['lease_expired', 'lease_left'])

/** What a balancer makes of the nodes, and what it tells clients. */
export const OF_BALANCER: readonly Metric[] = [
  {
    name: 'pulsewire_gateways',
    type: 'gauge',
    help: 'Gateways that the balancer knows, by whether it hands them out.',
    labels: ['handed_out'],
    *read(roles) {
      for (const role of roles) {
        if (role.verdicts === undefined) continue
        const gateways = [...role.verdicts()].filter((verdict) => verdict.role === 'gateway')
        for (const out of [true, false])
          yield { labels: { handed_out: String(out) }, value: gateways.filter(({ handedOut }) => handedOut === out).length }
      }
    },
  },
  {
    name: 'pulsewire_gateway_reasons',
    type: 'gauge',
    help: 'Gateways against which the reason speaks, by code (docs/balancer.md).',
    labels: ['reason'],
    *read(roles) {
      for (const role of roles) {
        const counts = new Map<string, number>()
        for (const verdict of role.verdicts?.() ?? []) {
          if (verdict.role === 'gateway') for (const reason of verdict.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
        }
        for (const [reason, value] of counts) yield { labels: { reason }, value }
      }
    },
  },
  {
    name: 'pulsewire_zombies',
    type: 'gauge',
    help: 'Nodes that beat, but serve a generation that is over, read another topic than the catalogue says, or are not who their lease says.',
    labels: ['of_role'],
    *read(roles) {
      for (const role of roles) {
        if (role.verdicts === undefined) continue
        const zombies = [...role.verdicts()].filter(
          ({ reasons }) => reasons.some((one) => ZOMBIE.has(one)) && !reasons.some((one) => GONE.has(one)),
        )
        for (const of_role of ['push', 'gateway', 'pulse'])
          yield { labels: { of_role }, value: zombies.filter((zombie) => zombie.role === of_role).length }
      }
    },
  },
  {
    name: 'pulsewire_evictions_total',
    type: 'counter',
    help: 'How often a node was used no longer, by each reason that spoke against it then (docs/balancer.md).',
    labels: ['of_role', 'reason'],
    *read(roles) {
      for (const role of roles)
        for (const { role: of_role, reason, count } of role.balancing?.().evictions ?? [])
          yield { labels: { of_role, reason }, value: count }
    },
  },
  {
    name: 'pulsewire_hand_outs_total',
    type: 'counter',
    help: 'Answers to clients that asked where to connect: gateways that are `proven`, the best there are (`degraded`), or `none`.',
    labels: ['outcome'],
    *read(roles) {
      for (const role of roles)
        for (const [outcome, value] of Object.entries(role.balancing?.().answers ?? {})) yield { labels: { outcome }, value }
    },
  },
]
