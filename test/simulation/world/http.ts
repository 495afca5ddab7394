import type { FetchText } from '../../../packages/client/src/connection/fetch-text.ts'
import type { Kernel } from './kernel.ts'
import { hostOf, type Network } from './network.ts'
import type { SimProcess } from './process.ts'
import { travel } from './travel.ts'

type Answer = Awaited<ReturnType<FetchText>>

interface Server {
  readonly process: SimProcess
  readonly answer: (url: URL) => Answer
}

/** Requests and answers between processes: one small message each way. A process that is gone refuses, a frozen one is silent. */
export class Http {
  readonly #kernel: Kernel
  readonly #network: Network
  readonly #servers = new Map<string, Server>()

  constructor(kernel: Kernel, network: Network) {
    this.#kernel = kernel
    this.#network = network
  }

  serve(origin: string, server: Server): void {
    this.#servers.set(origin, server)
  }

  unserve(origin: string, process: SimProcess): void {
    if (this.#servers.get(origin)?.process === process) this.#servers.delete(origin)
  }

  /** What a process asks with. */
  fetchFrom(process: SimProcess): FetchText {
    return (address) => {
      const url = new URL(address)
      const there = this.#network.path(process.host, hostOf(address))
      const back = this.#network.path(hostOf(address), process.host)
      return new Promise<Answer>((resolve, reject) => {
        const tell = (what: () => void) => travel(this.#kernel, back, () => process.io(this.#kernel.nowMs, what))
        travel(this.#kernel, there, () => {
          const server = this.#servers.get(url.origin)
          if (server === undefined || server.process.state === 'dead') return tell(() => reject(new Error('connection refused')))
          server.process.io(this.#kernel.nowMs, () => {
            const answer = server.answer(url)
            tell(() => resolve(answer))
          })
        })
      })
    }
  }
}
