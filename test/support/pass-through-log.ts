import type { EmbeddedLog, Log } from '../../packages/server/src/log/index.ts'

/** A log's calls as they are, so that a test can put its own in place of some: `{ ...passThrough(log), append: … }`. */
export function passThrough(log: EmbeddedLog): Log {
  return {
    describe: (topic) => log.describe(topic),
    createTopic: (topic, options) => log.createTopic(topic, options),
    deleteTopic: (topic) => log.deleteTopic(topic),
    append: (topic, records) => log.append(topic, records),
    read: (topic, partitions) => log.read(topic, partitions),
    close: () => log.close(),
    [Symbol.asyncDispose]: () => log.close(),
  }
}
