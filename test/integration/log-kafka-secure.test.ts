/** A Kafka that is reached by TLS and logins only: those that are right get through, and each that is wrong says what is wrong. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type KafkaLogOptions, openKafkaLog } from '../../packages/server/src/log/index.ts'
import { LogError } from '../../packages/server/src/runtime/errors.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { freePorts } from '../support/kafka-files.ts'
import { addScramUser, type Certificates, makeCertificates, securityProperties } from '../support/kafka-security.ts'
import { NodeProcess } from '../support/node-process.ts'

const TOPIC = 'secured'
const PLAIN = { mechanism: 'PLAIN', username: 'paula', password: 'plain-secret' } as const
const SCRAM = { username: 'sam', password: 'scram-secret' } as const

let dir: string
let certificates: Certificates
let kafka: KafkaForTests
let ssl: string
let sasl: string

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pulsewire-secure-'))
  certificates = await makeCertificates(dir)
  const [plainPort, sslPort, saslPort] = await freePorts(3)
  kafka = await startKafka({
    own: true,
    port: plainPort!,
    secure: { SSL: sslPort!, SASL_SSL: saslPort! },
    properties: securityProperties(certificates, { user: PLAIN.username, password: PLAIN.password }),
  })
  ssl = `127.0.0.1:${sslPort}`
  sasl = `127.0.0.1:${saslPort}`
  await addScramUser(plainPort!, SCRAM.username, SCRAM.password)
  await using log = openKafkaLog({ brokers: kafka.brokers })
  await log.createTopic(TOPIC, { partitions: 1 })
})

after(async () => {
  await kafka?.stop()
  await rm(dir, { recursive: true, force: true })
})

/** Writes a record and reads it back. */
async function passes(options: KafkaLogOptions): Promise<void> {
  await using log = openKafkaLog(options)
  const [written] = await log.append(TOPIC, [{ key: 'A', value: 'secret' }])
  await using reader = log.read(TOPIC, [{ partition: 0, start: { at: 'offset', offset: written!.offset } }])
  for await (const event of reader) {
    if (event.kind !== 'records') continue
    assert.equal(Buffer.from(event.records[0]!.value!).toString(), 'secret')
    return
  }
}

async function failure(options: KafkaLogOptions): Promise<LogError> {
  await using log = openKafkaLog(options)
  return await log.describe(TOPIC).then(
    () => assert.fail('it got through'),
    (error: unknown) => {
      assert.ok(error instanceof LogError, String(error))
      return error
    },
  )
}

test('TLS with the authority that signed the broker gets through', () => passes({ brokers: [ssl], tls: { caFile: certificates.caFile } }))

for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
  const login = mechanism === 'PLAIN' ? PLAIN : { ...SCRAM, mechanism }

  test(`a ${mechanism} login gets through`, () => passes({ brokers: [sasl], tls: { caFile: certificates.caFile }, sasl: login }))

  test(`a ${mechanism} login with a wrong password is denied by a broker that is named, and shows no password`, async () => {
    const error = await failure({ brokers: [sasl], tls: { caFile: certificates.caFile }, sasl: { ...login, password: 'wrong-secret' } })
    assert.equal(error.code, 'log_denied')
    assert.ok(error.message.includes(sasl), error.message)
    assert.match(error.message, /refuses the credentials/)
    assert.doesNotMatch(error.message, /wrong-secret/)
  })
}

test('a broker signed by an authority that is not ours is not trusted, and what to set is said', async () => {
  const error = await failure({ brokers: [ssl], tls: true })
  assert.ok(error.message.includes(ssl), error.message)
  assert.match(error.message, /certificate/)
  assert.match(error.message, /tls\.caFile/)
})

test('a broker of another name is not trusted, and what to set is said', async () => {
  const error = await failure({ brokers: [ssl], tls: { caFile: certificates.caFile, serverName: 'kafka.example' } })
  assert.match(error.message, /kafka\.example/)
  assert.match(error.message, /tls\.serverName/)
})

test('TLS to a listener that speaks none is said', async () => {
  const error = await failure({ brokers: kafka.brokers, tls: { caFile: certificates.caFile } })
  assert.match(error.message, /TLS/)
})

test('a push node logs in by its configuration; with a wrong password it says so and is not ready, until its file has the right one', async () => {
  const config = async (password: string) => {
    const passwordFile = join(dir, password)
    await writeFile(passwordFile, `${password}\n`)
    return {
      node: { id: 'push-x' },
      log: {
        kind: 'kafka',
        brokers: [sasl],
        tls: { enabled: true, caFile: certificates.caFile },
        sasl: { mechanism: 'SCRAM-SHA-256', username: SCRAM.username, passwordFile },
      },
      feeds: [{ name: 'quote', topic: TOPIC, codec: 'raw' }],
      push: { listen: { host: '127.0.0.1', port: 0 } },
    }
  }
  await using right = await NodeProcess.start('push', await config(SCRAM.password))
  await using wrong = await NodeProcess.start('push', await config('not-it'))
  await right.line(({ code }) => code === 'ready')
  const line = await wrong.line(({ level }) => level === 'error')
  assert.match(line.msg, /refuses the credentials/)
  assert.equal((await fetch(`http://127.0.0.1:${wrong.port}/ready`)).status, 503)
  await writeFile(join(dir, 'not-it'), SCRAM.password)
  await wrong.line(({ code }) => code === 'ready')
})
