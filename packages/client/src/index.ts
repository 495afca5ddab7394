export {
  PulsewireClient,
  type ClientEvents,
  type QuoteClient,
  type SessionEvent,
  type StateEvent,
} from './client.ts'
export type { AddressSource, ClientOptions, TokenSource } from './options.ts'
export { VERSION } from './options.ts'
export type { ClientState } from './connection/connector-host.ts'
export type { FetchText, TextAnswer } from './connection/fetch-text.ts'
export type { GatewaysEvent } from './connection/gateways.ts'
export type { OpenSocket, Socket, SocketEvents } from './connection/socket.ts'
export type { Clock, Timer } from './clock.ts'
export type { Environment, TransportChoice } from './environment.ts'
export {
  subscribeOrDelayed,
  type OrDelayedHandlers,
  type OrDelayedOptions,
  type OrDelayedSubscription,
  type Source,
} from './fallback/index.ts'
export { CLIENT_ERROR_CODES, PulsewireError, type ClientErrorCode } from './errors.ts'
export type { StateName, SymbolState } from './freshness/state.ts'
export type { HopAge } from './freshness/partition.ts'
export type { PartitionReport } from './freshness/session-freshness.ts'
export type { RepairEvent } from './subscription/answers.ts'
export type { Subscription } from './subscription/subscription.ts'
export type { SymbolView } from './subscription/view.ts'
export type { Gap, Update, Values } from './subscription/update.ts'
export type {
  EndedEvent,
  ResumeEvent,
  StateChange,
  SubscribeOptions,
  SubscriptionHandlers,
} from './subscription/options.ts'
