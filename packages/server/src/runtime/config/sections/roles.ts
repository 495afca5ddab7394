import * as z from 'zod'
import { greySection } from './grey.ts'
import { bytes, count, durationMs, filePath, flag, listen, nodeName, secret, subject, text } from '../fields.ts'
import { accessSection } from './access.ts'
import { delayedFeed, FEEDS_MAX, history, symbolsMax } from './feeds.ts'
import { otherZones } from './other-zones.ts'
import { CLIENT_SESSION, INNER_SESSION, sessionSection } from './session.ts'
import { nodeTls, serverTls } from './tls.ts'

export const pushSection = z
  .strictObject({
    listen: listen('Where gateways connect.', { host: '0.0.0.0', port: 8081 }),
    tls: nodeTls,
    partitions: z
      .union([z.enum(['shared', 'all']), z.array(z.int().min(0).max(1_000_000)).min(1)])
      .default('shared')
      .meta({
        description:
          'Partitions that this node reads. `shared`: those that fall to it when all are spread over the push nodes of its line that have a lease; without a directory, all. Each line as a whole must read all of them.',
        expected: '`shared`, `all`, or a list of partition numbers such as [0, 1]',
      }),
    delayedFeeds: z.array(delayedFeed).max(FEEDS_MAX).default([]).meta({
      description:
        'Feeds that show others with a delay, for clients without a right to these: read from the same topics, which have to keep records for the delay and `warmup.spanMs` together. The same on all push nodes.',
      expected: 'a list such as [{ name: quote-delayed, of: quote, delayMs: 900000 }]',
    }),
    session: sessionSection(INNER_SESSION),
  })
  .prefault({})
  .describe('A push node: reads the log, holds images, serves gateways.')

const origin = text('One origin.', '`*`, or an origin such as https://app.example.com', /^(\*|https?:\/\/[^\s/?#]+)$/)

const originBelow = text(
  'One origin.',
  '`*`, or an origin such as https://app.example.com or https://*.example.com',
  /^(\*|https?:\/\/(\*\.)?[^\s/?#*]+)$/,
)

const trustedProxies = z
  .array(text('One address or range.', 'an IP address, or a range such as 10.0.0.0/8', /^[0-9a-fA-F.:]+(\/\d{1,3})?$/))
  .default([])
  .describe('Addresses and ranges of proxies in front, whose `X-Forwarded-For` is believed. Of anybody else it is not.')

const addressLimits = z
  .strictObject({
    connectionsMax: count(
      'Connections of one address (of IPv6, of one /64) at once; further ones are answered with 429; 10,000 beyond, sockets are cut as they come. Those of `trustedProxies` are counted by whom they name. 0: no limit.',
      {
        default: 0,
        min: 0,
        max: 1_000_000,
      },
    ),
    connectionsPerSecondMax: count('New connections of one address in a second. 0: no limit.', { default: 0, min: 0, max: 1_000_000 }),
  })
  .prefault({})
  .describe('Limits by address. Behind a proxy all clients have its address unless `trustedProxies` names it.')

const upstream = z
  .strictObject({
    line: z.enum(['A', 'B']).describe('Line that these push nodes belong to.'),
    addresses: z
      .array(text('One push node.', 'a WebSocket address such as ws://push-a1:8081', /^wss?:\/\/[^\s/?#]+\/?$/))
      .min(1)
      .describe('The push nodes of this line.'),
  })
  .describe('The push nodes of one line.')

const sessionHistory = z
  .strictObject({
    entriesMax: count('Events kept in memory; the oldest go first. Kept where operators may ask (`operator`).', {
      default: 20_000,
      max: 10_000_000,
    }),
    bytesMax: bytes('Bytes of those, roughly.', { default: 8 * 1024 ** 2, min: 64 * 1024 }),
    topic: z.exactOptional(
      text(
        'Topic of the log into which they are written as well, such as `pulsewire.sessions`, the same for all gateways. Made when it is missing: 1 partition, 7 days. Default: none.',
        'a topic name: 1 to 249 letters, digits, dots, dashes or underscores',
        /^[A-Za-z0-9._-]{1,249}$/,
      ),
    ),
  })
  .prefault({})
  .describe('What happened to sessions: connected, subscribed, stale, slow, moved, closed and why (`pulsewire sessions`).')

const httpStream = z
  .strictObject({
    enabled: flag('Whether it is offered.', true),
    keepAliveMs: durationMs('A stream that is silent for so long gets a comment, so that no proxy takes it for dead.', {
      default: 15_000,
      min: 1_000,
      max: 600_000,
    }),
    paddingBytes: bytes('Length of the comment that a stream begins with: some proxies pass nothing on before they have so much.', {
      default: 2048,
      min: 0,
      max: 64 * 1024,
    }),
  })
  .prefault({})
  .describe('HTTP streams, to which clients fall back by themselves where the network breaks WebSocket.')

export const gatewaySection = z
  .strictObject({
    listen: listen('Where clients connect.', { host: '0.0.0.0', port: 8080 }),
    tls: serverTls,
    httpStream,
    origins: z
      .array(originBelow)
      .default(['*'])
      .describe('Origins of web pages that may connect; apps that name none always may. An empty list: none.'),
    trustedProxies,
    addressLimits,
    upstreams: z
      .array(upstream)
      .default([])
      .describe(
        'The push nodes, by line. Without any, they are found by their leases (`directory.enabled`), or the hub of the one beside it in `pulsewire all` is served, with the settings of its feeds. Two lines survive the loss of any one push node.',
      ),
    feeds: z
      .union([z.literal('all'), z.array(nodeName('Name of a feed.')).min(1)])
      .default('all')
      .meta({
        description: 'Feeds that this gateway offers, of those that its push nodes have.',
        expected: '`all`, or a list of feed names',
      }),
    groups: z
      .record(nodeName('Name of the group.'), z.array(subject).min(1))
      .default({})
      .describe('Named lists of symbols and patterns that clients may subscribe to as one.'),
    linkPulseIntervalMs: durationMs('How often pulses are asked for on each link to a push node; 0: each pulse as it comes.', {
      default: 0,
      min: 0,
      max: 60_000,
    }),
    subscribeDeadlineMs: durationMs(
      'A subscribe that no push node has answered by then keeps the feed from being proven, and is answered with what is known as soon as the feed is stale.',
      {
        default: 3_000,
        min: 100,
        max: 60_000,
      },
    ),
    staleAfterMs: durationMs('A partition without a pulse younger than this is stale at this gateway.', {
      default: 2_000,
      min: 100,
      max: 600_000,
    }),
    symbolsMax,
    history,
    session: sessionSection(CLIENT_SESSION),
    access: accessSection,
    sessionHistory,
  })
  .prefault({})
  .describe('A gateway: links to the push nodes of both lines, serves clients.')

export const pulseSection = z
  .strictObject({
    writerId: z.exactOptional(nodeName('Name of this pulse writer in the pulses that it writes. Default: the node id.')),
    intervalMs: z.exactOptional(
      z
        .int()
        .min(50)
        .max(60_000)
        .describe("Interval of this writer's pulses; overrides `feeds[].pulseIntervalMs`. Default: each feed's own."),
    ),
  })
  .prefault({})
  .describe('The pulse writer: puts a pulse into every partition of every feed. Run two or more of them anywhere.')

const admin = z
  .strictObject({
    secretFile: z.exactOptional(
      filePath(
        'File that holds the secret that operators show, of 16 characters or more; two lines are two secrets. Read anew when it changes, and on SIGHUP.',
      ),
    ),
    secret: z.exactOptional(secret('The secret itself.')),
    listen: listen('Where operators and the console ask, once there is a secret.', { host: '127.0.0.1', port: 8071 }),
  })
  .prefault({})
  .describe(
    'What is for operators: `/v1/verdicts`, `/v1/topology`, `/v1/events`, `/v1/stream`, `/v1/openapi.json`. With a secret they are served here alone, to who shows it, and each look is written down; without, on the listener for clients in development and nowhere in production, which demands one.',
  )

export const balancerSection = z
  .strictObject({
    listen: listen(
      'Where clients ask for gateways. In development, without `balancer.admin.secretFile`, it tells everything of every node, too.',
      {
        host: '0.0.0.0',
        port: 8070,
      },
    ),
    tls: serverTls,
    admin,
    gatewayCaFile: z.exactOptional(
      filePath('PEM file of the authorities that sign gateways’ certificates, for its probes; those that Node knows when absent.'),
    ),
    otherZones,
    gatewaysMax: count('Gateways that one answer names at most.', { default: 3, max: 16 }),
    answerTtlMs: durationMs('How long a client may use an answer for new connections without asking again.', {
      default: 10_000,
      min: 1_000,
      max: 3_600_000,
    }),
    pulseHeardWithinMs: durationMs(
      'A gateway is handed out only while its probe has heard a pulse of every partition within this. At least twice `gateway.session.pulseIntervalMs`.',
      { default: 2_500, min: 500, max: 60_000 },
    ),
    enteredWithinMs: durationMs(
      'And only while somebody new was let in, and got a pulse, within this: a session of the probe that leaves at once. One comes after 0.6 of it.',
      { default: 2_800, min: 1_000, max: 60_000 },
    ),
    entriesPerSecondMax: count(
      'Such sessions that this balancer opens in a second, at all gateways together. With so many gateways that it takes more, they come more seldom, and `enteredWithinMs` grows.',
      { default: 100, min: 1, max: 100_000 },
    ),
    pulseAgeMaxMs: durationMs('And only while those pulses were not older than this when they came.', {
      default: 2_500,
      min: 200,
      max: 600_000,
    }),
    admission: z
      .strictObject({
        connectionsPerSecond: count(
          'New sessions per second that one gateway takes; a storm is told to come at this rate, shared by all balancers. 0: at once.',
          { default: 500, min: 0, max: 1_000_000 },
        ),
        waitMaxMs: durationMs('The longest that a client is told to wait.', { default: 30_000, min: 1_000, max: 600_000 }),
      })
      .prefault({})
      .describe('When clients may connect, so that none of them is refused.'),
    answerMemory: z
      .strictObject({
        entriesMax: count('Answers kept in memory; the oldest go first. Kept where operators may ask (`operator`).', {
          default: 50_000,
          max: 10_000_000,
        }),
        keptForMs: durationMs('And none for longer than this.', { default: 3_600_000, min: 1_000, max: 86_400_000 }),
      })
      .prefault({})
      .describe('What clients that name their user were given: when, and which gateways (`pulsewire sessions`).'),
    grey: greySection,
    probeSecretFile: z.exactOptional(
      filePath(
        'File that holds the secret by which gateways that demand tokens let its probes in (`gateway.access.probeSecretFile`); of two lines the first is shown. Read anew when it changes, and on SIGHUP.',
      ),
    ),
    probeSecret: z.exactOptional(secret('The secret itself.')),
    origins: z.array(origin).default(['*']).describe('Origins of web pages that may ask; an empty list: none.'),
    trustedProxies,
    requestsPerSecondMax: count('Requests per second from one address; further ones are answered with 429.', {
      default: 2_000,
      max: 1_000_000,
    }),
    connectionsPerAddressMax: count(
      'Connections of one address (of IPv6, of one /64) at once, to each of its ports; further ones are cut as they come. Those of `trustedProxies` are not counted. 0: no limit.',
      { default: 2_000, min: 0, max: 1_000_000 },
    ),
  })
  .prefault({})
  .describe('A balancer: proves gateways as a client would, and gives each client the best few. Run two or more of them.')
