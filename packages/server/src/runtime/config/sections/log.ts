import * as z from 'zod'
import { bytes, count, durationMs, filePath, flag, secret, text } from '../fields.ts'

const broker = text('One broker.', 'host:port, such as kafka-1:9092', /^(\[[0-9a-fA-F:.]+\]|[^\s:/,]+):\d{1,5}$/)

const tls = z
  .strictObject({
    enabled: flag('Speak TLS to the brokers.', false),
    caFile: z.exactOptional(filePath("PEM file of the authorities that sign the brokers' certificates; the system's own when absent.")),
    certFile: z.exactOptional(filePath('PEM file of the client certificate; together with `keyFile`.')),
    keyFile: z.exactOptional(filePath('PEM file of the private key of the client certificate.')),
    serverName: z.exactOptional(
      z.string().min(1).describe("Name expected in the brokers' certificates; the host of each broker when absent."),
    ),
  })
  .prefault({})
  .describe('TLS to Kafka.')

const login = {
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).describe('SASL mechanism.'),
  username: z.string().min(1).describe('SASL user.'),
}

const PASSWORD_FILE =
  'File that holds the password and nothing else; a final newline is ignored. Read at each connection, so that another password needs no restart.'

const sasl = z
  .strictObject({
    ...login,
    passwordFile: z.exactOptional(filePath(PASSWORD_FILE)),
    password: z.exactOptional(secret('The password itself.')),
  })
  .describe('SASL login to Kafka; no login when absent.')

const fetch = z
  .strictObject({
    waitMaxMs: durationMs('How long a broker may hold a fetch back while there is nothing to give.', { default: 250, max: 60_000 }),
    intervalMinMs: durationMs(
      'Least time between two fetches while there is little to fetch. Adds at most so much latency, and saves most of the fetches of a steady trickle. Where sessions collect updates for longer than configured, because the process is under load, fetches stand farther apart by the same factor.',
      {
        default: 10,
        min: 0,
        max: 1_000,
      },
    ),
    bytesMax: bytes('Largest answer to one fetch from one broker; twice that may be held per broker.', {
      default: 4 * 1024 ** 2,
      min: 1024,
      max: 1024 ** 3,
    }),
    partitionBytesMax: bytes('Largest share of one partition in one answer.', { default: 1024 ** 2, min: 1024, max: 1024 ** 3 }),
  })
  .prefault({})
  .describe('Bounds of each fetch from Kafka.')

const connection = {
  clientId: z
    .string()
    .min(1)
    .max(255)
    .default('pulsewire')
    .describe("Client id, as it appears in Kafka's own metrics and quotas; the node id is appended."),
  connectTimeoutMs: durationMs('Longest wait for a connection to a broker.', { default: 3_000, max: 120_000 }),
  requestTimeoutMs: durationMs('Longest wait for the answer to one request; past it the connection is taken for dead and replaced.', {
    default: 3_000,
    min: 100,
    max: 300_000,
  }),
}

export const logSection = z
  .strictObject({
    kind: z
      .enum(['kafka', 'embedded'])
      .default('kafka')
      .describe(
        '`kafka`, or `embedded`: an in-memory log, reached over IPC from the parent process (demo) or held in this process (`pulsewire all`).',
      ),
    brokers: z.array(broker).default([]).describe('Bootstrap brokers; required with `kind: kafka`.'),
    ...connection,
    tls,
    sasl: z.exactOptional(sasl),
    fetch,
    embeddedPartitions: count('Partitions of each topic that an in-process embedded log creates.', { default: 4, max: 1024 }),
  })
  .prefault({})
  .describe('The log that carries quotes and pulses.')

/** The Kafka of another zone. What is in a list has no variable of its own, so the password comes from a file alone. */
export const otherLogSection = z
  .strictObject({
    brokers: z.array(broker).min(1).describe('Bootstrap brokers.'),
    ...connection,
    tls,
    sasl: z.exactOptional(
      z.strictObject({ ...login, passwordFile: filePath(PASSWORD_FILE) }).describe('SASL login; no login when absent.'),
    ),
    fetch,
  })
  .describe('The Kafka of that zone.')
