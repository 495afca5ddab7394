/** What the small browser file has in place of `parts.ts`: json.v1 over WebSocket, to gateways that are named, delivery `latest`, handlers only. */
import { createClientJsonDecoder, type Encoding } from '@pulsewire/protocol'
import { Gateways } from './connection/gateways.ts'
import { openWebSocket } from './connection/socket.ts'
import { PulsewireError } from './errors.ts'
import type * as full from './parts.ts'

export const ENCODINGS: readonly Encoding[] = ['pulsewire.json.v1']

export const createDecoder: typeof full.createDecoder = createClientJsonDecoder

export const encodeUpstreamFor: typeof full.encodeUpstreamFor = () => JSON.stringify

export const socketsFor: typeof full.socketsFor = ({ transport }) => {
  if (transport === 'http') absent('transport http')
  return openWebSocket
}

export const gatewaysFor: typeof full.gatewaysFor = (settings, host) => new Gateways(settings, host)

export const balancerUrl: typeof full.balancerUrl = () => absent('balancer')

export const fetchText: typeof full.fetchText = () => absent('balancer')

/** Said always: of a feed of mode `every` the newest images are wanted here. */
export const deliveryOf: typeof full.deliveryOf = (delivery) => (delivery === 'every' ? absent("delivery 'every'") : 'latest')

export const chainFor: typeof full.chainFor = () => null

export const readersFor: typeof full.readersFor = () => ({ open: () => absent('for await'), push() {}, over() {}, end() {} })

export const repairsFor: typeof full.repairsFor = () => null

export const refusalText: typeof full.refusalText = () => ''

function absent(what: string): never {
  const text = `${what} is only in the full file`
  // Kept where other texts are cut: who reads it has taken the wrong file.
  throw new PulsewireError('options_invalid', text)
}
