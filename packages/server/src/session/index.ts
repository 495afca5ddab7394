export type { SessionOptions } from './options.ts'
export { Sessions } from './sessions.ts'
export type { Transport, TransportHandler } from './transport.ts'
export { listenWebSocket, type ListenStream, type StreamListener, type StreamServerOptions } from './web-socket-server.ts'
