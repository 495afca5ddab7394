import { connectProbe, type ConnectProbe } from './connect.ts'

/** Probes that can be made to fail all at once, as they do when it is the balancer's own network that is broken. */
export class BreakableProbes {
  readonly #connect: ConnectProbe
  readonly #open = new Set<() => void>()
  #isBroken = false

  constructor(connect: ConnectProbe = connectProbe) {
    this.#connect = connect
  }

  /** From now on no probe gets through, those that are open included. */
  break(): void {
    this.#isBroken = true
    for (const drop of this.#open) drop()
  }

  mend(): void {
    this.#isBroken = false
  }

  readonly connect: ConnectProbe = (address, events) => {
    if (this.#isBroken) {
      setImmediate(() => events.closed('a fault that was ordered'))
      return { send() {}, drop() {} }
    }
    const drop = () => connection.drop()
    const connection = this.#connect(address, {
      ...events,
      closed: (reason) => {
        this.#open.delete(drop)
        events.closed(reason)
      },
    })
    this.#open.add(drop)
    return connection
  }
}
