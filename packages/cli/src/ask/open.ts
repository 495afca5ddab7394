import { hostname, userInfo } from 'node:os'
import { AskError, Asker, ConfigError, operatorOf, type Secret } from '@pulsewire/server'
import { fetchVerdicts } from '../verdicts/fetch.ts'
import { balancerFromEnvironment, DEFAULT_GATEWAY, gatewaysFromEnvironment } from './defaults.ts'

export interface AskFlags {
  readonly via: readonly string[]
  readonly balancer?: string
  readonly secretFile?: string
}

/** Connections to the nodes that could be reached, and what became of the others. */
export interface Entrances extends Disposable {
  readonly askers: readonly Asker[]
  readonly unreached: readonly AskError[]
}

/** Connects to every node that the flags name. @throws AskError when none can be reached; ConfigError without a secret. */
export async function openEntrances(flags: AskFlags): Promise<Entrances> {
  const secret = secretOf(flags)
  const addresses = await addressesOf(flags)
  const entrances = await connectAll(addresses, secret, `${userInfo().username}@${hostname()}`.slice(0, 128))
  const { askers, unreached } = entrances
  const [first] = unreached
  if (askers.length === 0)
    throw unreached.length === 1 ? first! : new AskError(first!.code as 'ask_no_answer', unreached.map(({ message }) => message).join('; '))
  return entrances
}

/** Connects to as many of the nodes as can be reached. */
export async function connectAll(addresses: readonly string[], secret: Secret, who: string): Promise<Entrances> {
  const opened = await Promise.allSettled(addresses.map((address) => Asker.connect(address, secret, who)))
  const askers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const unreached = opened.flatMap((each) => (each.status === 'rejected' ? [asAskError(each.reason)] : []))
  return {
    askers,
    unreached,
    [Symbol.dispose]() {
      for (const asker of askers) asker[Symbol.dispose]()
    },
  }
}

function asAskError(reason: unknown): AskError {
  return reason instanceof AskError ? reason : new AskError('ask_failed', reason instanceof Error ? reason.message : String(reason))
}

async function addressesOf({ via, balancer: given }: AskFlags): Promise<readonly string[]> {
  const known = gatewaysFromEnvironment()
  const balancer = given ?? (via.length === 0 && known === undefined ? balancerFromEnvironment() : undefined)
  const named = via.length > 0 || balancer !== undefined ? via : (known ?? [DEFAULT_GATEWAY])
  if (balancer === undefined) return named
  const { verdicts } = await fetchVerdicts(balancer)
  const gateways = verdicts
    .filter(({ role, lease }) => role === 'gateway' && lease.state === 'live')
    .flatMap(({ addresses }) => addresses.slice(0, 1))
  return [...named, ...gateways]
}

/** @throws ConfigError when there is none, or it is too short. */
function secretOf({ secretFile }: AskFlags): Secret {
  const { PULSEWIRE_OPERATOR_SECRET: value, PULSEWIRE_OPERATOR_SECRET_FILE: named } = process.env
  const file = secretFile ?? named
  const { secret } = operatorOf(file ? { secretFile: file } : value ? { secret: value } : {})
  if (secret !== undefined) return secret
  throw new ConfigError('config_invalid', 'nodes answer only whoever has the operator secret', [
    'the operator secret is missing, expected --secret-file or PULSEWIRE_OPERATOR_SECRET',
  ])
}
