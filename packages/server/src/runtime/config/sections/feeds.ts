import * as z from 'zod'
import { bytes, count, durationMs, filePath, flag, text } from '../fields.ts'

/** Of a push node, and as many delayed ones. */
export const FEEDS_MAX = 64

export const history = z
  .strictObject({
    recordsPerSymbolMax: count('Records kept per symbol.', { default: 1_000, max: 1_000_000 }),
    bytesMax: bytes('Bytes kept over all symbols of a feed; the oldest records go first.', { default: 64 * 1024 ** 2 }),
  })
  .prefault({})
  .describe('Records kept so that slow and returning receivers of an `every` feed miss nothing.')

export const symbolsMax = count('Symbols with records that are held at most per feed; records of further ones are counted and left out.', {
  default: 200_000,
  max: 10_000_000,
})

const protobuf = z
  .strictObject({
    schemaFile: filePath('The .proto file.'),
    message: text('Full name of the message type.', 'a message name such as acme.quotes.Quote', /^[A-Za-z_][\w.]*$/),
  })
  .describe('Required with `codec: protobuf`.')

const warmup = z
  .strictObject({
    spanMs: durationMs('How far back the topic is read, before the node is ready, to fill its images. 0: no reading back.', {
      default: 3_600_000,
      min: 0,
      max: 30 * 86_400_000,
    }),
    recordsMax: count('Records read back at most per partition, the newest ones.', { default: 500_000, min: 0 }),
  })
  .prefault({})
  .describe('Reading back before the node is ready.')

export const feedSection = z
  .strictObject({
    name: text('Name that clients subscribe to.', '1 to 64 letters, digits, dots, dashes or underscores', /^[A-Za-z0-9._-]{1,64}$/),
    topic: text('Kafka topic.', 'a topic name: 1 to 249 letters, digits, dots, dashes or underscores', /^[A-Za-z0-9._-]{1,249}$/),
    generation: count('Generation of the feed. Raise it by one when the feed moves to another topic, or its topic is made anew.', {
      default: 1,
    }),
    pinned: flag(
      'This node stays on `topic` and `generation`, whatever the catalogue says. For trials: once the feed has moved on, nobody believes what the node reads.',
      false,
    ),
    codec: z
      .enum(['json', 'protobuf', 'raw'])
      .default('json')
      .describe('What a record value is: a flat JSON object, a protobuf message, or bytes passed on as they are.'),
    protobuf: z.exactOptional(protobuf),
    mode: z
      .enum(['latest', 'every'])
      .default('latest')
      .describe('`latest`: receivers get the newest state. `every`: each record, in order, none left out.'),
    merge: flag('Records are partial and merge into the image; otherwise each record replaces it.', false),
    symbolsMax,
    warmup,
    history,
    pulseIntervalMs: durationMs('How often a pulse is written into every partition of the topic.', { default: 500, min: 50, max: 60_000 }),
    staleAfterMs: durationMs('A partition without a pulse younger than this is stale at a push node.', {
      default: 1_500,
      min: 100,
      max: 600_000,
    }),
  })
  .describe('One kind of data with one policy.')

export const delayedFeed = z
  .strictObject({
    name: text(
      'Name that clients subscribe to, such as `quote-delayed`.',
      '1 to 64 letters, digits, dots, dashes or underscores',
      /^[A-Za-z0-9._-]{1,64}$/,
    ),
    of: text('Feed that it shows, one of `feeds`.', 'the name of a feed', /^[A-Za-z0-9._-]{1,64}$/),
    delayMs: durationMs('How old everything is when it is shown.', { default: 900_000, min: 1000 }),
  })
  .describe('A feed as it was a while ago.')

export const feedsSection = z
  .array(feedSection)
  .min(1)
  .max(FEEDS_MAX)
  .meta({ description: 'The feeds; at least one.', expected: 'a list of feeds, at least one' })
