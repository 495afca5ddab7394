import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

/** What the kernel knows of what we sent over a TCP connection. */
export interface SendQueue {
  /** Bytes that the peer's host has not acknowledged. */
  readonly bytes: number
  /** The peer's host takes nothing more: its window is zero, and it is asked from time to time whether that is over. */
  readonly zeroWindow: boolean
  /** How often the oldest of these bytes was sent again. */
  readonly retransmits: number
}

/** Reading the table of a machine with very many connections takes some milliseconds: not more often than this. */
const TABLE_LIFE_MS = 1_000
const TIMER_ZERO_WINDOW = 4

/**
 * The kernel's table of TCP connections, where it shows one (Linux: `/proc/net/tcp`). A stall looks the same to a process
 * whether its peer is frozen or its host gone; the kernel knows whether bytes were acknowledged.
 */
export class SendQueues {
  readonly #read: (file: string) => string
  readonly #nowMs: () => number
  #table = new Map<string, SendQueue>()
  #readAtMs = -Infinity

  constructor(nowMs: () => number = () => performance.now(), read = (file: string) => readFileSync(file, 'latin1')) {
    this.#nowMs = nowMs
    this.#read = read
  }

  /** @returns undefined where the kernel does not say. */
  of({ localAddress, localPort, remoteAddress, remotePort }: Ends): SendQueue | undefined {
    if (localAddress === undefined || remoteAddress === undefined) return undefined
    if (this.#nowMs() - this.#readAtMs > TABLE_LIFE_MS) this.#load()
    return this.#table.get(`${keyOf(localAddress, localPort)} ${keyOf(remoteAddress, remotePort)}`)
  }

  #load(): void {
    this.#readAtMs = this.#nowMs()
    this.#table = new Map()
    for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
      try {
        parseTable(this.#read(file), this.#table)
      } catch {
        // Another system, or one without this family: stalls are named by what the process itself can see.
      }
    }
  }
}

export type Ends = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>

/** Line: `sl local remote state tx_queue:rx_queue timer:when retransmits …`, all hexadecimal. */
function parseTable(text: string, table: Map<string, SendQueue>): void {
  for (const line of text.split('\n').slice(1)) {
    const [, local, remote, , queues, timer, retransmits] = line.trim().split(/\s+/)
    if (local === undefined || remote === undefined || retransmits === undefined) continue
    table.set(`${local} ${remote}`, {
      bytes: Number.parseInt(queues!, 16),
      zeroWindow: Number.parseInt(timer!, 16) === TIMER_ZERO_WINDOW,
      retransmits: Number.parseInt(retransmits, 16),
    })
  }
}

/** As the kernel prints it: each 32-bit word of the address in the machine's byte order, taken for little endian. */
function keyOf(address: string, port = 0): string {
  const words = address.includes(':') ? wordsOfIpv6(address) : [wordOfIpv4(address)]
  return `${words.join('')}:${hex(port, 4)}`
}

function wordOfIpv4(address: string): string {
  return address
    .split('.')
    .toReversed()
    .map((part) => hex(Number(part), 2))
    .join('')
}

function wordsOfIpv6(address: string): string[] {
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':').flatMap(groupsOf))
  const [before, after] = [groups(head), groups(tail)]
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  return [0, 2, 4, 6].map((index) => {
    const word = hex(all[index]!, 4) + hex(all[index + 1]!, 4)
    return word.match(/../g)!.toReversed().join('')
  })
}

function groupsOf(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
