/** Addresses at which others reach a node: those configured, with the port that it got in place of 0, else where it listens. */
export function advertisedAddresses(advertise: readonly string[], host: string, port: number): readonly string[] {
  if (advertise.length > 0) return advertise.map((address) => address.replace(/\/$/, '').replace(/:0$/, `:${port}`))
  return [`ws://${host.includes(':') ? `[${host}]` : host}:${port}`]
}
