import { PulsewireError } from '../errors.ts'
import type { EndedEvent } from './options.ts'
import { UpdateQueue } from './queue.ts'
import type { Update } from './update.ts'

/** Those who read one subscription by `for await`. */
export class Readers {
  readonly #queueMax: number
  readonly #queues = new Set<UpdateQueue>()

  constructor(queueMax: number) {
    this.#queueMax = queueMax
  }

  /** @param held what comes first, as snapshots; null where nothing will come any more. */
  open(held: Iterable<Update> | null): AsyncIterator<Update, undefined> {
    const queue = new UpdateQueue(this.#queueMax, (done) => this.#queues.delete(done))
    if (held === null) queue.end()
    else {
      this.#queues.add(queue)
      for (const update of held) queue.push(update, false)
    }
    return queue
  }

  push(update: Update, every: boolean): void {
    for (const queue of this.#queues) queue.push(update, every)
  }

  /** Nothing can come any more: everything that was asked for was ended by the server, this last. */
  over({ symbol, code, message, retryable }: EndedEvent): void {
    this.end(new PulsewireError('subscription_ended', `${symbol}: ${code}: ${message}`, { retryable }))
  }

  end(error: PulsewireError | undefined): void {
    for (const queue of this.#queues) queue.end(error)
    this.#queues.clear()
  }
}
