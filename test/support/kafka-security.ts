/** Certificates and users of a Kafka that is reached by TLS and logins, for tests. */
import { execFile } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { alterUserScramCredentialsV0, Connection } from '@platformatic/kafka'

const run = promisify(execFile)
const STORE_PASSWORD = 'changeit'

export interface Certificates {
  /** PEM of the authority that signed the broker's certificate. */
  readonly caFile: string
  /** The broker's key and certificate, PKCS #12. */
  readonly keyStore: string
  readonly password: string
}

/** An authority of our own and a certificate for 127.0.0.1, made by the keytool of the Java that runs the broker. */
export async function makeCertificates(dir: string): Promise<Certificates> {
  const keyStore = join(dir, 'broker.p12')
  const caFile = join(dir, 'ca.pem')
  const keytool = (...words: string[]) => run('keytool', [...words, '-keystore', keyStore, '-storepass', STORE_PASSWORD])
  const key = (alias: string, name: string, ...more: string[]) =>
    keytool('-genkeypair', '-alias', alias, '-dname', `CN=${name}`, '-keyalg', 'EC', '-validity', '30', ...more)
  await key('ca', 'Pulsewire test authority', '-ext', 'bc:c')
  await key('broker', 'broker', '-signer', 'ca', '-ext', 'san=ip:127.0.0.1')
  await keytool('-exportcert', '-rfc', '-alias', 'ca', '-file', caFile)
  // Else the broker may choose the authority's own key.
  await keytool('-delete', '-alias', 'ca')
  return { caFile, keyStore, password: STORE_PASSWORD }
}

/** What makes a broker speak TLS and take logins of this PLAIN user; SCRAM users are added while it runs. */
export function securityProperties(
  { keyStore, password }: Certificates,
  plain: { readonly user: string; readonly password: string },
): string[] {
  const login = 'org.apache.kafka.common.security'
  return [
    `ssl.keystore.location=${keyStore}`,
    `ssl.keystore.password=${password}`,
    'ssl.keystore.type=PKCS12',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    `listener.name.sasl_ssl.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required user_${plain.user}="${plain.password}";`,
    ...['256', '512'].map((bits) => `listener.name.sasl_ssl.scram-sha-${bits}.sasl.jaas.config=${login}.scram.ScramLoginModule required;`),
  ]
}

/** Adds a user for both SCRAM mechanisms, through the broker's plain listener. */
export async function addScramUser(port: number, name: string, password: string): Promise<void> {
  const connection = new Connection('pulsewire-test')
  await connection.connect('127.0.0.1', port)
  const iterations = 4096
  const mechanisms = [
    [1, 'sha256', 32],
    [2, 'sha512', 64],
  ] as const
  for (const [mechanism, hash, bytes] of mechanisms) {
    const salt = randomBytes(16)
    const saltedPassword = pbkdf2Sync(password, salt, iterations, bytes, hash)
    await alterUserScramCredentialsV0.api.async(connection, [], [{ name, mechanism, iterations, salt, saltedPassword }])
  }
  await connection.close()
}
