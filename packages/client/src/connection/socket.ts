/** The little that the client needs of a WebSocket, so that a simulation can bring its own. */
export interface Socket {
  /** Queues a message. Never throws; on a closed socket it does nothing. */
  send(data: string | Uint8Array): void
  /** Starts to close. `onClose` follows at some time, or never: callers do not wait for it. */
  close(code: number, reason: string): void
  /** Absent: a WebSocket. */
  readonly transport?: 'http' | undefined
  /** When a better way through the network is worth a trial, by the client's clock; absent: this is the best one. */
  readonly betterAtMs?: number
}

export interface SocketEvents {
  /**
   * May come once more before the first message, when another way was found: what was sent until then is void.
   * @param protocol the subprotocol that the server chose; '' for none.
   */
  onOpen(protocol: string): void
  onMessage(data: string | Uint8Array): void
  /** Once, also when the connection never opened. */
  onClose(code: number, reason: string): void
}

/** @throws when the URL or the protocols are not acceptable at all. */
export type OpenSocket = (url: string, protocols: readonly string[], events: SocketEvents) => Socket

/** The platform's own WebSocket: browsers, Node from 22, Deno, Bun. */
export const openWebSocket: OpenSocket = (url, protocols, events) => {
  const socket = new WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.onOpen(socket.protocol)
  socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
    events.onMessage(typeof event.data === 'string' ? event.data : new Uint8Array(event.data))
  }
  socket.onclose = (event) => events.onClose(event.code, event.reason)
  // `onclose` follows every error and says more.
  socket.onerror = () => {}
  return {
    send(data) {
      if (socket.readyState === WebSocket.OPEN) socket.send(data as string | Uint8Array<ArrayBuffer>)
    },
    close(code, reason) {
      socket.close(code, reason)
    },
  }
}
