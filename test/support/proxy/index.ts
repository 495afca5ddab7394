export type { Conditions, Direction } from './conditions.ts'
export { FetchSwallower } from './kafka-filter.ts'
export { TcpProxy, type ProxyOptions } from './tcp-proxy.ts'
export { MessageTrap, WebSocketFilter } from './web-socket-filter.ts'
