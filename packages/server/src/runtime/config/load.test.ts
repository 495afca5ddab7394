import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { ConfigError } from '../errors.ts'
import {
  advertisedAddresses,
  type ConfigRole,
  type ConfigSources,
  CONFIG_ROLES,
  describeConfig,
  loadConfig,
  settingsOf,
  splitAllConfig,
} from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'pulsewire-config-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const FEEDS = { PULSEWIRE_FEEDS: '[{name: quote, topic: quotes}]', PULSEWIRE_LOG_BROKERS: 'kafka-1:9092' }
const UPSTREAMS = { PULSEWIRE_GATEWAY_UPSTREAMS: '[{line: A, addresses: [ws://push-a1:8081]}]' }

function write(name: string, content: string): string {
  const file = join(directory, name)
  writeFileSync(file, content)
  return file
}

/** What loading complains about. */
function problemsOf(role: ConfigRole, sources: ConfigSources): readonly string[] {
  try {
    loadConfig(role, sources)
  } catch (error) {
    assert.ok(error instanceof ConfigError, inspect(error))
    return error.problems
  }
  return []
}

describe('loadConfig', () => {
  it('fills in every default', () => {
    const config = loadConfig('gateway', { env: UPSTREAMS })
    assert.equal(config.gateway.session.flushIntervalMs, 10)
    assert.equal(config.gateway.session.messageBytesMax, 16_384)
    assert.equal(config.gateway.listen.port, 8080)
    assert.match(config.node.id, /-gateway-8080$/)
    assert.equal(loadConfig('push', { env: FEEDS }).push.session.messageBytesMax, 1_048_576)
    assert.equal(loadConfig('push', { env: FEEDS }).feeds[0]?.staleAfterMs, 1_500)
  })

  it('lets flags win over the environment, that over the file, that over defaults', () => {
    const file = write('precedence.yaml', 'gateway:\n  listen: {host: 10.0.0.1, port: 1}\n  session: {flushIntervalMs: 20}\n')
    const env = { ...UPSTREAMS, PULSEWIRE_GATEWAY_LISTEN_PORT: '2', PULSEWIRE_GATEWAY_SESSION_FLUSH_INTERVAL_MS: '30' }
    const { gateway } = loadConfig('gateway', { file, env, assignments: ['gateway.listen.port=3'] })
    assert.deepEqual(gateway.listen, { host: '10.0.0.1', port: 3 })
    assert.equal(gateway.session.flushIntervalMs, 30)
    assert.equal(gateway.session.pulseIntervalMs, 1_000)
  })

  it('reads the file that PULSEWIRE_CONFIG names, and reaches into its lists', () => {
    const file = write('feeds.yaml', 'log: {brokers: ["k:1"]}\nfeeds:\n  - name: quote\n    topic: quotes\n')
    const config = loadConfig('push', {
      env: { PULSEWIRE_CONFIG: file },
      assignments: ['feeds.0.topic=quotes-v8', 'feeds[0].generation=2'],
    })
    assert.deepEqual([config.feeds[0]?.topic, config.feeds[0]?.generation], ['quotes-v8', 2])
  })

  it('takes lists, tables and alternatives from the environment', () => {
    const config = loadConfig('all', {
      env: {
        ...FEEDS,
        PULSEWIRE_LOG_BROKERS: 'a:1, b:2',
        PULSEWIRE_PUSH_PARTITIONS: '0,2',
        PULSEWIRE_GATEWAY_GROUPS: '{tech: [AAPL.US]}',
        PULSEWIRE_GATEWAY_FEEDS: 'all',
      },
    })
    assert.deepEqual(config.log.brokers, ['a:1', 'b:2'])
    assert.deepEqual(config.push.partitions, [0, 2])
    assert.deepEqual(config.gateway.groups, { tech: ['AAPL.US'] })
    assert.equal(config.gateway.feeds, 'all')
  })

  it('is frozen throughout', () => {
    const config = loadConfig('push', { env: FEEDS })
    assert.throws(() => Object.assign(config.feeds[0] as object, { topic: 'other' }), TypeError)
    assert.throws(() => Object.assign(config.push.session, { sessionsMax: 1 }), TypeError)
  })

  it('treats a section without settings as absent', () => {
    const file = write('empty-section.yaml', 'gateway:\n  session:\n  #  flushIntervalMs: 10\n')
    assert.equal(loadConfig('gateway', { file, env: UPSTREAMS }).gateway.session.flushIntervalMs, 10)
    assert.ok(loadConfig('gateway', { file: write('empty.yaml', ''), env: UPSTREAMS }))
  })
})

describe('mistakes in the configuration', () => {
  it('are all reported at once, each with place, finding and remedy', () => {
    const file = write(
      'mistakes.yaml',
      'gateway:\n  listne: {port: 1}\n  session:\n    flushIntervalMs: fast\n    staleAfterMs: 100\n  flushIntervalMs: 10\n',
    )
    const problems = problemsOf('gateway', {
      file,
      env: { PULSEWIRE_GATWAY_LISTEN_PORT: '1', PULSEWIRE_NODE_TRACK: 'gray', PULSEWIRE_GATEWAY_LISTEN_PORT: '70000' },
      assignments: ['nonsense', 'gateway.session.sessionsMax=-1'],
    })
    assert.deepEqual(
      problems.toSorted(),
      [
        '--set: found "nonsense", expected setting=value',
        'PULSEWIRE_GATWAY_LISTEN_PORT: unknown environment variable, did you mean PULSEWIRE_GATEWAY_LISTEN_PORT?',
        `gateway.flushIntervalMs: unknown key here, did you mean gateway.session.flushIntervalMs? (${file}:6:20)`,
        'gateway.listen.port: found 70000, expected a whole number from 0 to 65535 (PULSEWIRE_GATEWAY_LISTEN_PORT)',
        `gateway.listne: unknown key, did you mean listen? (${file}:2:11)`,
        `gateway.session.flushIntervalMs: found "fast", expected a whole number from 1 to 1000 (${file}:4:22)`,
        'gateway.session.sessionsMax: found -1, expected a whole number from 1 to 1000000 (--set)',
        `gateway.session.staleAfterMs: found 100, expected at least 2000, twice the interval of the pulses that it waits for (${file}:5:19)`,
        `gateway.upstreams: missing, expected the push nodes by line, such as [{ line: A, addresses: [ws://push-a1:8081] }], or directory.enabled: true to find them by their leases (${file}:2:3)`,
        'node.track: found "gray", expected one of stable, grey (PULSEWIRE_NODE_TRACK)',
      ].toSorted(),
    )
  })

  for (const [what, feed, expected] of [
    ['protobuf without schema', 'codec: protobuf', /feeds\[0\]\.protobuf: missing/],
    [
      'a schema file that is not there',
      'codec: protobuf, protobuf: {schemaFile: no.proto, message: a.B}',
      /schemaFile: found ".*no\.proto", which does not exist/,
    ],
    [
      'a schema for another codec',
      'protobuf: {schemaFile: feeds.yaml, message: a.B}',
      /feeds\[0\]\.codec: found "json" beside a protobuf section/,
    ],
    ['merge with every', 'mode: every, merge: true', /feeds\[0\]\.merge: found true with mode every/],
    ['merge with raw', 'codec: raw, merge: true', /feeds\[0\]\.merge: found true with codec raw/],
    ['a staleness shorter than two pulses', 'pulseIntervalMs: 1000', /feeds\[0\]\.staleAfterMs: found 1500, expected at least 2000/],
    ['no topic', 'topic: ""', /feeds\[0\]\.topic: found "", expected a topic name/],
    ['a fraction', 'generation: 1.5', /feeds\[0\]\.generation: found 1\.5, expected a whole number/],
    ['infinity', 'symbolsMax: .inf', /feeds\[0\]\.symbolsMax: found Infinity, expected a whole number/],
  ] as const) {
    it(`finds ${what}`, () => {
      const rest = feed.includes('topic') ? '' : 'topic: quotes, '
      write('feeds.yaml', '')
      const file = write('feed.yaml', `log: {brokers: ["k:1"]}\nfeeds: [{name: quote, ${rest}${feed}}]\n`)
      const problems = problemsOf('push', { file })
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, expected)
    })
  }

  it('points at the entry of a list', () => {
    assert.match(
      problemsOf('push', { env: FEEDS, assignments: ['push.partitions=0,x'] })[0]!,
      /^push\.partitions\[1\]: found "x", expected a whole number/,
    )
    assert.match(
      problemsOf('push', { env: { ...FEEDS, PULSEWIRE_LOG_BROKERS: 'k:1,oops' } })[0]!,
      /^log\.brokers\[1\]: found "oops", expected host:port/,
    )
  })

  it('finds double names, lines, addresses and ports', () => {
    const upstreams = '[{line: A, addresses: [ws://a:1]}, {line: A, addresses: [ws://a:1]}]'
    const env = {
      PULSEWIRE_GATEWAY_UPSTREAMS: upstreams,
      PULSEWIRE_FEEDS: '[{name: q, topic: a}, {name: q, topic: b}]',
      PULSEWIRE_LOG_BROKERS: 'k:1',
    }
    const problems = problemsOf('all', { env, assignments: ['push.listen.port=8080'] }).join('\n')
    for (const path of ['feeds[1].name', 'gateway.upstreams[1].line', 'gateway.upstreams[1].addresses[0]', 'gateway.listen.port']) {
      assert.ok(problems.includes(`${path}: found`), `${path} in\n${problems}`)
    }
  })

  it('finds delayed feeds of none, and with names that there are', () => {
    const delayed = '[{name: d, of: trade}, {name: quote, of: quote}, {name: d, of: quote, delayMs: 5}]'
    const env = { PULSEWIRE_FEEDS: '[{name: quote, topic: a}]', PULSEWIRE_LOG_BROKERS: 'k:1' }
    const problems = problemsOf('push', { env: { ...env, PULSEWIRE_PUSH_DELAYED_FEEDS: delayed } }).join('\n')
    assert.match(problems, /delayedFeeds\[0\]\.of: found "trade", expected one of the feeds: quote/)
    assert.match(problems, /delayedFeeds\[1\]\.name: found "quote" a second time, expected a name of its own, such as quote-delayed/)
    assert.match(problems, /delayedFeeds\[2\]\.delayMs: found 5/)
  })

  it('names a file that cannot be read, and YAML that is none', () => {
    assert.throws(() => loadConfig('push', { file: join(directory, 'none.yaml') }), { code: 'config_unreadable', message: /none\.yaml/ })
    assert.throws(() => loadConfig('push', { file: write('broken.yaml', 'a: [1\nb: }') }), { code: 'config_invalid' })
    assert.match(problemsOf('push', { file: write('list.yaml', '- 1\n') })[0]!, /expected sections/)
    assert.match(problemsOf('push', { file: write('twice.yaml', 'node: {id: a}\nnode: {id: b}\n') })[0]!, /unique/)
  })

  it('treats the keys of a prototype as any unknown key', () => {
    const problems = problemsOf('gateway', { env: UPSTREAMS, file: write('proto.yaml', '__proto__: {a: 1}\nconstructor: 1\n') })
    assert.equal(problems.length, 2, problems.join('\n'))
    assert.equal(({} as Record<string, unknown>)['a'], undefined)
  })

  it('leaves variables of other roles and of Kubernetes alone', () => {
    const env = {
      ...UPSTREAMS,
      PULSEWIRE_PUSH_LISTEN_PORT: 'x',
      PULSEWIRE_GATEWAY_SERVICE_HOST: '10.0.0.1',
      PULSEWIRE_GATEWAY_PORT: 'tcp://10.0.0.1:8080',
      PULSEWIRE_NODE_ID: '',
    }
    assert.deepEqual(problemsOf('gateway', { env }), [])
  })
})

describe('secrets', () => {
  const LOGIN = { ...FEEDS, PULSEWIRE_LOG_SASL_MECHANISM: 'PLAIN', PULSEWIRE_LOG_SASL_USERNAME: 'u' }

  it('come from a file or a variable and are printed nowhere', () => {
    const passwordFile = write('password', 'hunter2\n')
    for (const env of [
      { ...LOGIN, PULSEWIRE_LOG_SASL_PASSWORD: 'hunter2' },
      { ...LOGIN, PULSEWIRE_LOG_SASL_PASSWORD_FILE: passwordFile },
    ]) {
      const config = loadConfig('push', { env })
      assert.equal(config.log.sasl?.password.reveal(), 'hunter2')
      const printed = [
        describeConfig(config),
        JSON.stringify(config),
        inspect(config, { depth: 9, showHidden: true }),
        `${config.log.sasl?.password}`,
      ]
      for (const text of printed) assert.ok(!text.includes('hunter2'), text)
    }
  })

  it('are refused in files and flags, without being shown', () => {
    const file = write('secret.yaml', 'log: {sasl: {mechanism: PLAIN, username: u, password: hunter2}}\n')
    for (const sources of [
      { file, env: FEEDS },
      { env: LOGIN, assignments: ['log.sasl.password=hunter2'] },
      { env: { ...FEEDS }, assignments: ['log.sasl=hunter2'] },
    ]) {
      const problems = problemsOf('push', sources).join('\n')
      assert.match(problems, /log\.sasl/)
      assert.ok(!problems.includes('hunter2'), problems)
    }
  })

  it('are demanded once', () => {
    assert.match(problemsOf('push', { env: LOGIN })[0]!, /log\.sasl: has no password/)
  })
})

describe('settings', () => {
  it('have variables that differ, and a description each', () => {
    for (const role of CONFIG_ROLES) {
      const settings = settingsOf(role)
      const names = settings.flatMap(({ env }) => env ?? [])
      assert.equal(new Set(names).size, names.length)
      assert.deepEqual(
        settings.filter(({ node }) => node.description === undefined).map(({ path }) => path),
        [],
      )
    }
  })

  it('have defaults that are valid', () => {
    assert.deepEqual(problemsOf('all', { env: FEEDS }), [])
  })
})

describe('the directory', () => {
  const ON = { PULSEWIRE_DIRECTORY_ENABLED: 'true' }
  const BROKERS = { PULSEWIRE_LOG_BROKERS: 'k:1' }

  it('demands an address that others can connect to, where none follows from where the node listens', () => {
    const unnamed = problemsOf('push', { env: { ...FEEDS, ...ON } })
    assert.equal(unnamed.length, 1, unnamed.join('\n'))
    assert.match(
      unnamed[0]!,
      /^node\.advertise: missing, expected .* such as \[ws:\/\/push-1:8081\], because push\.listen\.host is every address/,
    )
    assert.match(problemsOf('gateway', { env: { ...BROKERS, ...ON } })[0]!, /ws:\/\/gateway-1:8080/)
    assert.deepEqual(problemsOf('push', { env: { ...FEEDS, ...ON, PULSEWIRE_PUSH_LISTEN_HOST: '10.0.0.7' } }), [])
    assert.deepEqual(problemsOf('push', { env: { ...FEEDS, ...ON, PULSEWIRE_NODE_ADVERTISE: 'ws://push-a1:8081' } }), [])
    assert.deepEqual(problemsOf('pulse', { env: { ...FEEDS, ...ON } }), [])
    assert.match(problemsOf('push', { env: { ...FEEDS, ...ON, PULSEWIRE_NODE_ADVERTISE: 'push-a1' } })[0]!, /a WebSocket address/)
  })

  it('stands in for a list of push nodes, and needs the log', () => {
    const env = { ...ON, PULSEWIRE_GATEWAY_LISTEN_HOST: '10.0.0.7' }
    assert.deepEqual(problemsOf('gateway', { env: { ...env, ...BROKERS } }), [])
    assert.match(problemsOf('gateway', { env })[0]!, /log\.brokers: missing/)
    assert.match(problemsOf('gateway', {})[0]!, /or directory\.enabled: true to find them by their leases/)
  })

  it('wants a life of three beats', () => {
    const env = { ...FEEDS, ...ON, PULSEWIRE_DIRECTORY_LIFE_MS: '2000' }
    assert.match(problemsOf('pulse', { env })[0]!, /directory\.lifeMs: found 2000, expected at least 3000, three beats/)
  })

  it('is told by each of several roles in a process where that one is', () => {
    const env = { ...FEEDS, ...ON, PULSEWIRE_NODE_ADVERTISE: 'wss://quotes-1:443' }
    const { push, gateway, pulse } = splitAllConfig(loadConfig('all', { env }))
    assert.deepEqual(
      [push, gateway, pulse].map((role) => role?.node.advertise),
      [['wss://quotes-1:8081'], ['wss://quotes-1:443'], []],
    )
    assert.deepEqual(gateway?.gateway.upstreams, [])
    const at = (host: string, tls = {}) => ({ listen: { host }, tls })
    assert.deepEqual(advertisedAddresses(['ws://a:0/', 'ws://b:1'], at('x'), 7), ['ws://a:7', 'ws://b:1'])
    assert.deepEqual(
      [advertisedAddresses([], at('::1'), 7), advertisedAddresses([], at('10.0.0.7', { certFile: 'c' }), 7)],
      [['ws://[::1]:7'], ['wss://10.0.0.7:7']],
    )
  })
})

describe('balancer.otherZones', () => {
  const ENV = { PULSEWIRE_LOG_BROKERS: '[kafka-1:9092]', PULSEWIRE_DIRECTORY_ENABLED: 'true', PULSEWIRE_NODE_ZONE: 'a' }
  const withZones = (...zones: object[]) => ({ env: { ...ENV, PULSEWIRE_BALANCER_OTHER_ZONES: JSON.stringify(zones) } })

  it('are none unless named, and are reached by their own settings, with those of a log as defaults', () => {
    assert.deepEqual(loadConfig('balancer', { env: ENV }).balancer.otherZones, [])
    const sasl = { mechanism: 'PLAIN', username: 'u', passwordFile: write('other-password', 'hunter2\n') }
    const config = loadConfig('balancer', withZones({ zone: 'b', log: { brokers: ['kafka-b:9092'], tls: { enabled: true }, sasl } }))
    const [other] = config.balancer.otherZones
    const { brokers, tls, clientId, requestTimeoutMs } = other!.log
    assert.deepEqual(
      [other!.zone, other!.topic, brokers, tls, clientId, requestTimeoutMs],
      ['b', 'pulsewire.control', ['kafka-b:9092'], { enabled: true }, 'pulsewire', 3000],
    )
    assert.equal(other!.log.sasl?.password.reveal(), 'hunter2')
    assert.doesNotMatch(describeConfig(config) + JSON.stringify(config), /hunter2/)
  })

  it('are refused where they are no further zone, each mistake at its place', () => {
    const b = { zone: 'b', log: { brokers: ['kafka-b:9092'] } }
    assert.deepEqual(
      problemsOf(
        'balancer',
        withZones(
          b,
          { zone: 'a', log: { brokers: ['kafka-1:9092'] } },
          { ...b, topic: 'another' },
          { zone: 'c', log: { brokers: ['kafka-c:9092'], tls: { caFile: write('ca.pem', 'x') } } },
        ),
      ).map((line) => line.replace(/ \(PULSEWIRE_.*/, '')),
      [
        'balancer.otherZones[3].log.tls.enabled: found false beside other TLS settings, expected true, or remove those',
        `balancer.otherZones[1].zone: found "a", which is this balancer's own (node.zone), expected a name of its own`,
        'balancer.otherZones[2].zone: found "b", which is there already, expected a name of its own',
        `balancer.otherZones[1].log: found a control topic that is this balancer's own, expected one of another Kafka; zones that share one need no entry`,
      ],
    )
  })

  it('take a password from a file alone, and never show one that is in the wrong place', () => {
    const sasl = { mechanism: 'PLAIN', username: 'u', password: 'hunter2' }
    const problems = problemsOf('balancer', withZones({ zone: 'b', log: { brokers: ['kafka-b:9092'], sasl } })).join('\n')
    assert.match(problems, /otherZones\[0\]\.log\.sasl/)
    assert.doesNotMatch(problems, /hunter2/)
    const empty = { ...sasl, password: undefined, passwordFile: write('empty-password', '\n') }
    assert.match(
      problemsOf('balancer', withZones({ zone: 'b', log: { brokers: ['kafka-b:9092'], sasl: empty } })).join(),
      /balancer\.otherZones\[0\]\.log\.sasl\.passwordFile: the file .* is empty/,
    )
  })
})

describe('splitAllConfig', () => {
  it('gives each role an id of its own, and the gateway the hub of the push node beside it, or a link', () => {
    const roles = splitAllConfig(loadConfig('all', { env: { ...FEEDS, PULSEWIRE_NODE_ID: 'n' } }))
    assert.deepEqual([roles.push?.node.id, roles.gateway?.node.id, roles.pulse?.node.id], ['n-push', 'n-gateway', 'n-pulse'])
    assert.deepEqual(roles.gateway?.gateway.upstreams, [])
    for (const env of [{ PULSEWIRE_GATEWAY_FEEDS: '[quote]' }, { PULSEWIRE_PUSH_PARTITIONS: '[0]' }]) {
      const { gateway } = splitAllConfig(loadConfig('all', { env: { ...FEEDS, ...env } }))
      assert.deepEqual(gateway?.gateway.upstreams, [{ line: 'A', addresses: ['ws://127.0.0.1:8081'] }])
    }
  })

  it('demands upstreams of a gateway without a push node', () => {
    assert.throws(() => splitAllConfig(loadConfig('all', { env: FEEDS }), ['gateway']), { code: 'config_invalid' })
  })
})

describe('the example files', () => {
  for (const role of CONFIG_ROLES) {
    it(`examples/${role}.yaml is good`, () => {
      const file = join(import.meta.dirname, '../../../../../examples', `${role}.yaml`)
      assert.deepEqual(problemsOf(role, { file }), [])
    })
  }
})

describe('gateway.access', () => {
  const base = { gateway: { upstreams: [{ line: 'A', addresses: ['ws://push-a1:8081'] }] } }
  const withAccess = (name: string, access: object, env: Record<string, string> = {}) => ({
    file: write(name, JSON.stringify({ gateway: { ...base.gateway, access } })),
    env,
  })

  it('says all that a gateway that demands tokens lacks', () => {
    const problems = problemsOf('gateway', withAccess('lacks.yaml', { mode: 'token', anonymousRole: 'free' }))
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      ['gateway.access.anonymousRole', 'gateway.access.issuer', 'gateway.access.audience', 'gateway.access'],
    )
  })

  it('takes secrets from files or the environment, long enough and never shown', () => {
    const file = write('token-secret', `${'n'.repeat(32)}\n${'o'.repeat(32)}\n`)
    const access = {
      mode: 'token',
      issuer: 'i',
      audience: 'a',
      algorithms: ['HS256'],
      secretFile: file,
      probeSecretFile: write('probe', 'p'.repeat(16)),
    }
    const config = loadConfig('gateway', withAccess('secret.yaml', access))
    assert.deepEqual(
      config.gateway.access.secrets.map((secret) => secret.reveal().length),
      [32, 32],
    )
    assert.doesNotMatch(describeConfig(config), /nnnn|oooo|pppp/)
    const short = { ...access, secretFile: write('short', 'too short'), probeSecretFile: write('short-2', 'short') }
    const problems = problemsOf('gateway', withAccess('short.yaml', short))
    assert.equal(problems.length, 2)
    assert.doesNotMatch(problems.join(), /too short/)
  })

  it('refuses keys that nothing is done with, and algorithms without keys', () => {
    const pem = write('key.pem', 'any')
    const token = { mode: 'token', issuer: 'i', audience: 'a' }
    const first = (access: object, env = {}) => problemsOf('gateway', withAccess('one.yaml', access, env))[0] ?? ''
    assert.match(first({ keyFiles: [pem] }), /mode: found open beside keys/)
    assert.match(first({ ...token, keyFiles: [pem], algorithms: ['HS256'] }), /has one that needs secretFile/)
    assert.match(first(token, { PULSEWIRE_GATEWAY_ACCESS_SECRET: 's'.repeat(32) }), /has none for the secret/)
    assert.match(first({ ...token, jwks: { url: 'http://login.example.com/keys' } }), /https:\/\/ address/)
    assert.match(first({ ...token, keyFiles: [pem], algorithms: ['none'] }), /algorithms/)
  })
})

describe('production', () => {
  const settingsAt = (problems: readonly string[]) => problems.map((problem) => problem.split(':')[0])
  const NODE_ENV = 'production'

  it('refuses what is for development, all of it at once, naming each setting', () => {
    const env = {
      ...UPSTREAMS,
      NODE_ENV,
      PULSEWIRE_FAULTS_ENABLED: 'true',
      PULSEWIRE_CONSOLE_ENABLED: 'true',
      PULSEWIRE_CONSOLE_LISTEN_HOST: '0.0.0.0',
    }
    assert.deepEqual(settingsAt(problemsOf('gateway', { env })), [
      'gateway.access.mode',
      'gateway.origins',
      'gateway.tls.certFile',
      'inner.secretFile',
      'faults.enabled',
      'console.listen.host',
    ])
    assert.deepEqual(settingsAt(problemsOf('push', { env: { ...FEEDS, NODE_ENV } })), ['inner.secretFile'])
    const balancer = { PULSEWIRE_LOG_BROKERS: 'kafka-1:9092', PULSEWIRE_DIRECTORY_ENABLED: 'true', NODE_ENV }
    assert.deepEqual(settingsAt(problemsOf('balancer', { env: balancer })), [
      'balancer.origins',
      'balancer.probeSecretFile',
      'balancer.admin.secretFile',
    ])
    assert.deepEqual(problemsOf('pulse', { env: { ...FEEDS, NODE_ENV } }), [])
  })

  it('is what the setting says, else what NODE_ENV says', () => {
    const development = { ...UPSTREAMS, NODE_ENV, PULSEWIRE_NODE_PRODUCTION: 'false' }
    assert.deepEqual(problemsOf('gateway', { env: development }), [])
    assert.deepEqual(problemsOf('gateway', { env: { ...UPSTREAMS, NODE_ENV: 'development' } }), [])
    assert.notDeepEqual(problemsOf('gateway', { env: { ...UPSTREAMS, PULSEWIRE_NODE_PRODUCTION: 'true' } }), [])
    assert.equal(loadConfig('pulse', { env: { ...FEEDS, NODE_ENV } }).node.production, true)
    assert.equal(loadConfig('pulse', { env: FEEDS }).node.production, false)
  })

  it('lets a page ask nodes only with the secret that they want', () => {
    const asking = { ...UPSTREAMS, PULSEWIRE_CONSOLE_ASKS_ENABLED: 'true' }
    assert.deepEqual(settingsAt(problemsOf('gateway', { env: asking })), ['console.asks.enabled'])
    assert.deepEqual(problemsOf('gateway', { env: { ...asking, PULSEWIRE_OPERATOR_SECRET: '9f86d081884c7d659a2f' } }), [])
  })

  it('wants the directory where tokens let clients in: without it none could be revoked', () => {
    const [certFile, keyFile] = [write('tls.crt', 'any'), write('tls.key', 'any')]
    const access = { mode: 'token', issuer: 'i', audience: 'a', keyFiles: [write('key.pem', 'any')] }
    const gateway = (directory: object) => {
      const file = write('gateway.json', JSON.stringify({ gateway: { access, origins: [], tls: { certFile, keyFile } }, directory }))
      const log = { PULSEWIRE_LOG_BROKERS: 'kafka-1:9092', PULSEWIRE_NODE_ADVERTISE: '["wss://gw-1:8080"]' }
      return problemsOf('gateway', { file, env: { ...UPSTREAMS, ...log, NODE_ENV, PULSEWIRE_INNER_SECRET: '9f86d081884c7d659a2f' } })
    }
    assert.deepEqual(settingsAt(gateway({ enabled: false })), ['directory.enabled'])
    assert.match(gateway({})[0]!, /revoke/)
    assert.deepEqual(gateway({ enabled: true }), [])
  })

  it('refuses passwords of examples for Kafka as well, this one and that of another zone', () => {
    const sasl = (password: string) => ({
      mechanism: 'PLAIN',
      username: 'pulsewire',
      passwordFile: write(`kafka-${password.length}`, password),
    })
    const balancer = (password: string, ofZone: string) => {
      const zone = { zone: 'hk', log: { brokers: ['kafka-hk:9092'], sasl: sasl(ofZone) } }
      const file = write('balancer.json', JSON.stringify({ log: { sasl: sasl(password) }, balancer: { otherZones: [zone], origins: [] } }))
      const log = { PULSEWIRE_LOG_BROKERS: 'kafka-1:9092', PULSEWIRE_DIRECTORY_ENABLED: 'true' }
      const secrets = { PULSEWIRE_BALANCER_PROBE_SECRET: '9f86d081884c7d659a2f', PULSEWIRE_BALANCER_ADMIN_SECRET: '9f86d081884c7d659a2f' }
      return problemsOf('balancer', { file, env: { ...log, ...secrets, NODE_ENV } })
    }
    assert.deepEqual(settingsAt(balancer('password', 'test')), ['log.sasl.passwordFile', 'balancer.otherZones[0].log.sasl.passwordFile'])
    assert.doesNotMatch(balancer('password', 'test').join(), / password | test /)
    assert.deepEqual(balancer('4f1b2b0b822c', '9f86d081884c7d65'), [])
    const login = { PULSEWIRE_LOG_SASL_MECHANISM: 'PLAIN', PULSEWIRE_LOG_SASL_USERNAME: 'p', PULSEWIRE_LOG_SASL_PASSWORD: 'changeme' }
    assert.deepEqual(settingsAt(problemsOf('pulse', { env: { ...FEEDS, ...login, NODE_ENV } })), ['log.sasl.password'])
    assert.deepEqual(problemsOf('pulse', { env: { ...FEEDS, ...login } }), [])
  })

  it('refuses secrets of examples, and never shows them', () => {
    const start = (secret: string) =>
      problemsOf('push', { env: { ...FEEDS, NODE_ENV, PULSEWIRE_INNER_SECRET: secret, PULSEWIRE_OPERATOR_SECRET: secret } })
    for (const secret of ['changeme-changeme', 'a development secret', 'aaaaaaaaaaaaaaaaaaaa', 'correct horse password']) {
      assert.deepEqual(
        settingsAt(start(secret)).map((problem) => problem?.split(' ')[0]),
        ['operator.secret', 'inner.secret'],
      )
      assert.doesNotMatch(start(secret).join(), new RegExp(secret))
    }
    assert.deepEqual(start('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c'), [])
    assert.equal(loadConfig('push', { env: { ...FEEDS, PULSEWIRE_INNER_SECRET: 'changeme-changeme' } }).inner.secrets.length, 1)
  })
})
