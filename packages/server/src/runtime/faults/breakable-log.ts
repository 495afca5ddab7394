import type { Log, LogEvent, LogReader } from '../../log/index.ts'

/** A log whose readers can be made to return nothing any more, not even when they are closed. */
export class BreakableLog {
  readonly log: Log
  #isStopped = false

  constructor(log: Log) {
    this.log = {
      describe: (topic) => log.describe(topic),
      createTopic: (topic, options) => log.createTopic(topic, options),
      deleteTopic: (topic) => log.deleteTopic(topic),
      ...(log.settings === undefined ? {} : { settings: (topic, names) => log.settings!(topic, names) }),
      append: (topic, records) => log.append(topic, records),
      read: (...what) => this.#breakable(log.read(...what)),
      close: () => log.close(),
      [Symbol.asyncDispose]: () => log.close(),
    }
  }

  /** From now on no reader returns. There is no way back, as there was none in production. */
  stop(): void {
    this.#isStopped = true
  }

  #breakable(reader: LogReader): LogReader {
    const iterate = (): AsyncIterator<LogEvent, undefined> => {
      const iterator = reader[Symbol.asyncIterator]() as AsyncIterator<LogEvent, undefined>
      return {
        next: async () => {
          const result = await iterator.next()
          return this.#isStopped ? new Promise<never>(() => {}) : result
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    }
    return {
      topic: reader.topic,
      add: (partitions) => reader.add(partitions),
      remove: (partitions) => reader.remove(partitions),
      close: () => reader.close(),
      [Symbol.asyncDispose]: () => reader.close(),
      [Symbol.asyncIterator]: iterate,
    }
  }
}
