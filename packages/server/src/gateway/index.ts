export type { GatewayPeer, Peers } from './balance.ts'
export { createGateway, type Gateway, type GatewayDeps } from './gateway.ts'
export type { SessionsAnswer } from './session-records.ts'
export type { ConnectLink, LinkConnection, LinkEvents } from './link-transport.ts'
