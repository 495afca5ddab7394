import { InvalidArgumentError, Option } from 'commander'
import { balancerFromEnvironment, DEFAULT_BALANCER } from '../ask/defaults.ts'

/** `--balancer` of commands that ask one, which is always known. */
export function balancerOption(): Option {
  return new Option('-b, --balancer <address>', 'balancer (or PULSEWIRE_BALANCER)')
    .argParser(toBalancer)
    .default(balancerFromEnvironment() ?? DEFAULT_BALANCER)
}

/** @throws InvalidArgumentError */
export function toNode(value: string): string {
  return toAddress(value, ['ws:', 'wss:'], 'ws://gw-1:8080')
}

/** @throws InvalidArgumentError */
export function toNodes(value: string, all: readonly string[]): string[] {
  return [...all, toNode(value)]
}

/** @throws InvalidArgumentError */
export function toBalancer(value: string): string {
  return toAddress(value, ['http:', 'https:'], DEFAULT_BALANCER)
}

/** @throws InvalidArgumentError */
export function toBalancers(value: string, all: readonly string[]): string[] {
  return [...all, toBalancer(value)]
}

function toAddress(value: string, protocols: readonly string[], example: string): string {
  if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
  throw new InvalidArgumentError(`It is an address such as ${example}.`)
}
