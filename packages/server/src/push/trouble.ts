import type { StaleReason } from '@pulsewire/protocol'
import type { ReadFeed } from '../runtime/config/index.ts'
import { LogError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/** Why a topic cannot be read, for as long as it cannot. */
export class Trouble {
  readonly #config: ReadFeed
  readonly #logger: Logger
  readonly #began: () => void
  #cause: { readonly reason: StaleReason; readonly message: string } | null = null

  /** @param began Told whenever there is trouble. */
  constructor(config: ReadFeed, logger: Logger, began: () => void) {
    this.#config = config
    this.#logger = logger
    this.#began = began
  }

  /** `null` while the topic can be read. */
  get cause(): { readonly reason: StaleReason; readonly message: string } | null {
    return this.#cause
  }

  /** Whether the topic holds nothing, because it is not there: that is all there is to know of a symbol. */
  get isOfNothing(): boolean {
    return this.#cause?.reason === 'topic_missing' || this.isFinal
  }

  /** Offsets of a topic made anew mean nothing under this generation: reading on would mix two histories. */
  get isFinal(): boolean {
    return this.#cause?.reason === 'topic_recreated'
  }

  unreachable(message: string): void {
    this.#set('log_unreachable', message)
  }

  missing(message: string): void {
    this.#set('topic_missing', message)
  }

  recreated(): void {
    const { topic, name, generation } = this.#config
    this.#set(
      'topic_recreated',
      `topic ${topic} was deleted and created again: raise the generation of feed ${name} (now ${generation}) in the configuration of every node and restart them`,
    )
  }

  /** Reading ended with this error. */
  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof LogError)) this.#set('reader_stalled', message)
    else if (error.code === 'log_topic_missing') this.missing(message)
    else this.unreachable(message)
  }

  over(): void {
    if (this.#cause === null) return
    this.#logger.info('log_reachable', `${this.#config.topic} can be read again`, { feed: this.#config.name })
    this.#cause = null
  }

  #set(reason: StaleReason, message: string): void {
    const { name, topic } = this.#config
    if (this.#cause?.reason !== reason) this.#logger.error(reason, message, { feed: name, topic })
    this.#cause = { reason, message }
    this.#began()
  }
}
