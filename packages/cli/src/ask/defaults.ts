/** A gateway that no option names. */
export const DEFAULT_GATEWAY = 'ws://127.0.0.1:8080'
/** A balancer that no option names. */
export const DEFAULT_BALANCER = 'http://127.0.0.1:8070'

/** What `PULSEWIRE_BALANCER` says; empty is as if it were not there. */
export function balancerFromEnvironment(): string | undefined {
  return process.env['PULSEWIRE_BALANCER'] || undefined
}

/** What `PULSEWIRE_URL` says: gateways, comma-separated; empty is as if it were not there. */
export function gatewaysFromEnvironment(): readonly string[] | undefined {
  return (process.env['PULSEWIRE_URL'] || undefined)?.split(',')
}
