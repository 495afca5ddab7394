import { type DownstreamFrame, ENCODINGS, STREAM_PATH, type ToldFrame, type UpstreamFrame, type WelcomeFrame } from '@pulsewire/protocol'
import { WebSocket } from 'ws'
import { operatorToken } from '../access/index.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Secret } from '../runtime/config/index.ts'
import { VERSION } from '../runtime/version.ts'
import { type Args, AskError } from './answer.ts'
import { silenceMs, workingSilenceMs } from './peer.ts'
import { prove } from './proof.ts'

/** A node that does not greet by then is asked through another one. */
const GREETING_MS_MAX = 2500
/** Whoever asks wants no pulses. */
const PULSE_INTERVAL_MS = 600_000
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024

interface Waiting {
  readonly take: (frame: ToldFrame) => void
  readonly fail: (error: AskError) => void
}

/** An operator's connection to one node, to ask it and whoever is behind it. */
export class Asker implements Disposable {
  readonly address: string
  readonly #webSocket: WebSocket
  readonly #secret: Secret
  readonly #who: string
  readonly #waiting = new Map<number, Waiting>()
  readonly #greeting = Promise.withResolvers<WelcomeFrame>()
  #nonce = ''
  #nextId = 1
  #why = ''
  /** Its name; known once connected. */
  node = ''

  private constructor(address: string, secret: Secret, who: string) {
    this.address = address
    this.#secret = secret
    this.#who = who
    const url = address.replace(/\/$/, '') + STREAM_PATH
    const json = ENCODINGS[1]
    this.#webSocket = new WebSocket(url, [json], {
      perMessageDeflate: false,
      handshakeTimeout: GREETING_MS_MAX,
      maxPayload: MESSAGE_BYTES_MAX,
    })
    const token = operatorToken(secret).reveal()
    this.#webSocket.on('open', () =>
      this.#send({ t: 'hello', client: `pulsewire-ask/${VERSION}`, token, pulseIntervalMs: PULSE_INTERVAL_MS }),
    )
    this.#webSocket.on('message', (data) => this.#message(String(data)))
    this.#webSocket.on('error', (error) => (this.#why = error.message))
    this.#webSocket.on('close', (code, reason) => this.#closed(this.#why || String(reason) || `closed with ${code}`))
  }

  /** @throws AskError `ask_no_answer` when nobody greets, `ask_off` when the node takes no questions. */
  static async connect(address: string, secret: Secret, who: string): Promise<Asker> {
    const asker = new Asker(address, secret, who)
    const late = systemClock.after(GREETING_MS_MAX, () => asker.#closed(`it has said nothing for ${GREETING_MS_MAX} ms`))
    try {
      const { node, asks } = await asker.#greeting.promise
      if (asks === undefined) throw new AskError('ask_off', `${node} at ${address} takes no questions: it has no operator secret`, { node })
      asker.node = node
      asker.#nonce = asks
      return asker
    } catch (error) {
      asker[Symbol.dispose]()
      throw error
    } finally {
      late.cancel()
    }
  }

  /** The whole answer, for questions whose answer is small. @throws AskError */
  async text(path: readonly string[], question: string, args: Args = {}): Promise<string> {
    let text = ''
    for await (const chunk of this.ask(path, question, args)) text += chunk
    return text
  }

  /**
   * The answer as it comes; no more is on the way than is taken.
   * @param path the nodes on the way, the one that is asked last; empty: the node that this is connected to.
   * @throws AskError
   */
  async *ask(path: readonly string[], question: string, args: Args = {}): AsyncGenerator<string> {
    const id = this.#nextId++
    const frames: (ToldFrame | AskError)[] = []
    let wake = (): void => {}
    const take = (frame: ToldFrame | AskError): void => {
      frames.push(frame)
      wake()
    }
    this.#waiting.set(id, { take, fail: take })
    const target = path.at(-1) ?? this.node
    try {
      const own = { id, path, question, args, who: this.#who }
      this.#send({ t: 'ask', ...own, proof: prove(this.#secret, this.#nonce, own) })
      for (let ms = silenceMs(path.length); ; ms = workingSilenceMs(path.length, question)) {
        const frame = frames.shift() ?? (await this.#next(frames, (next) => (wake = next), ms, target))
        if (frame instanceof AskError) throw frame
        if (frame.code !== undefined) throw new AskError(frame.code as 'ask_failed', frame.message ?? '', { node: frame.node })
        if (frame.chunk !== undefined) {
          yield frame.chunk
          this.#send({ t: 'ask', id, ack: frame.seq ?? 0 })
        }
        if (frame.last === true) return
      }
    } finally {
      if (this.#waiting.delete(id)) this.#send({ t: 'ask', id, cancel: true })
    }
  }

  async #next(
    frames: (ToldFrame | AskError)[],
    onWake: (wake: () => void) => void,
    ms: number,
    target: string,
  ): Promise<ToldFrame | AskError> {
    const { promise, resolve } = Promise.withResolvers<void>()
    onWake(resolve)
    const late = systemClock.after(ms, resolve)
    if (frames.length === 0) await promise
    late.cancel()
    const why = target === this.node ? 'it is frozen, or the line to it is cut' : `nothing was said about ${target} either`
    return (
      frames.shift() ??
      new AskError('ask_no_answer', `${this.node} at ${this.address} has said nothing for ${ms} ms: ${why}`, { node: this.node })
    )
  }

  [Symbol.dispose](): void {
    this.#webSocket.terminate()
  }

  #send(frame: UpstreamFrame): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(JSON.stringify(frame))
  }

  #message(text: string): void {
    for (const frame of JSON.parse(text) as DownstreamFrame[]) {
      if (frame.t === 'welcome') this.#greeting.resolve(frame)
      else if (frame.t === 'mark') this.#send({ t: 'ack', mark: frame.mark })
      else if (frame.t === 'pulse') this.#send({ t: 'ack', pulse: frame.pulse, count: 0, digest: 0 })
      else if (frame.t === 'told') this.#waiting.get(frame.id)?.take(frame)
    }
  }

  #closed(why: string): void {
    const error = new AskError('ask_no_answer', `no answer from ${this.address}: ${why}`, { node: this.address })
    this.#greeting.reject(error)
    this.#greeting.promise.catch(() => {})
    for (const { fail } of this.#waiting.values())
      fail(new AskError('ask_link_lost', `the connection to ${this.node} at ${this.address} was lost: ${why}`))
  }
}
