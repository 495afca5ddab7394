import { InvalidArgumentError } from 'commander'

/** Where a balancer is that no option names. */
export const DEFAULT_BALANCER = 'http://127.0.0.1:8070'

/** What `PULSEWIRE_BALANCER` says; empty is as if it were not there. */
export function balancerFromEnvironment(): string | undefined {
  return process.env['PULSEWIRE_BALANCER'] || undefined
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
