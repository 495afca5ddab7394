import { ConfigError } from '../errors.ts'
import { isEveryAddress } from './checks.ts'
import type { AllConfig, BalancerConfig, GatewayConfig, PulseConfig, PushConfig } from './schema.ts'

/** The roles that `pulsewire all` can run in one process. */
export const PROCESS_ROLES = ['push', 'gateway', 'balancer', 'pulse'] as const
export type ProcessRole = (typeof PROCESS_ROLES)[number]

export interface RoleConfigs {
  readonly push?: PushConfig
  readonly gateway?: GatewayConfig
  readonly balancer?: BalancerConfig
  readonly pulse?: PulseConfig
}

/**
 * The configuration of each of the given roles in one process: ids that differ by role. A gateway that is given no upstream
 * nodes is left without any when it can serve from the hub of the push node beside it; else it is linked to it. Without a choice all roles run; a balancer only where there is a directory.
 * @throws ConfigError `config_invalid` when there is a gateway, no push node beside it, and no upstream, or a balancer without directory.
 */
export function splitAllConfig(config: AllConfig, named?: readonly ProcessRole[]): RoleConfigs {
  const roles = named ?? PROCESS_ROLES.filter((role) => role !== 'balancer' || config.directory.enabled)
  if (roles.includes('balancer') && !config.directory.enabled) {
    throw new ConfigError('config_invalid', 'the balancer knows no gateways', [
      'directory.enabled: found false, expected true: a balancer knows gateways by their leases alone',
    ])
  }
  const withId = (role: ProcessRole) => ({
    ...config,
    node: { ...config.node, id: `${config.node.id}-${role}`, advertise: advertiseOf(role, config) },
  })
  return {
    ...(roles.includes('push') ? { push: withId('push') } : {}),
    ...(roles.includes('gateway') ? { gateway: { ...withId('gateway'), gateway: linked(config, roles) } } : {}),
    ...(roles.includes('balancer') ? { balancer: withId('balancer') } : {}),
    ...(roles.includes('pulse') ? { pulse: withId('pulse') } : {}),
  }
}

/** What is advertised is the gateway; the push node beside it is at the same host, or where it listens alone. */
function advertiseOf(role: ProcessRole, { node, push }: AllConfig): readonly string[] {
  if (role === 'gateway') return node.advertise
  const [first] = node.advertise
  if (role !== 'push' || first === undefined || !isEveryAddress(push.listen.host)) return []
  const { protocol, hostname } = new URL(first)
  return [`${protocol}//${hostname}:${push.listen.port}`]
}

function linked({ node, gateway, push, directory }: AllConfig, roles: readonly ProcessRole[]): AllConfig['gateway'] {
  if (gateway.upstreams.length > 0 || directory.enabled) return gateway
  if (!roles.includes('push')) {
    throw new ConfigError('config_invalid', 'the gateway has no push node', [
      'gateway.upstreams: missing, expected the push nodes by line, because --roles leaves out push',
    ])
  }
  // A hub that has not all, or more than is offered, cannot be served from as it is.
  if (!Array.isArray(push.partitions) && gateway.feeds === 'all') return gateway
  const host = isEveryAddress(push.listen.host) ? '127.0.0.1' : push.listen.host
  const address = `ws://${host.includes(':') ? `[${host}]` : host}:${push.listen.port}`
  return { ...gateway, upstreams: [{ line: node.line, addresses: [address] }] }
}
