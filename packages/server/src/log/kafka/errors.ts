import { AuthenticationError, findErrorBy, protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { LogError } from '../../runtime/errors.ts'
import { type Address, formatAddress } from './options.ts'

/** The broker's error codes that are decided upon here (https://kafka.apache.org/protocol#protocol_error_codes). */
export const KAFKA = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  MESSAGE_TOO_LARGE: 10,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  KAFKA_STORAGE_ERROR: 56,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const

const DENIED: readonly number[] = [KAFKA.TOPIC_AUTHORIZATION_FAILED, KAFKA.CLUSTER_AUTHORIZATION_FAILED]

/** The broker did not take the request because it does not lead the partition (any more, or yet). */
const NOT_LEADING: readonly number[] = [
  KAFKA.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA.LEADER_NOT_AVAILABLE,
  KAFKA.NOT_LEADER_OR_FOLLOWER,
  KAFKA.KAFKA_STORAGE_ERROR,
  KAFKA.FENCED_LEADER_EPOCH,
  KAFKA.UNKNOWN_LEADER_EPOCH,
]

export function isDenied(code: number): boolean {
  return DENIED.includes(code)
}

export function isNotLeading(code: number): boolean {
  return NOT_LEADING.includes(code)
}

/** Whether Kafka itself calls the error passing. */
export function isRetryable(code: number): boolean {
  return protocolErrors[protocolErrorsCodesById[code] ?? '']?.canRetry === true
}

/** The broker's own words for a code, such as `NOT_LEADER_OR_FOLLOWER (For requests intended only for the leader, …)`. */
export function describeCode(code: number): string {
  const id = protocolErrorsCodesById[code]
  return id === undefined ? `error ${code}` : `${id} (${protocolErrors[id]?.message})`
}

/** A broker did not answer in time, as opposed to refusing or closing the connection. */
export class BrokerTimeoutError extends LogError {
  constructor(address: Address, what: string, timeoutMs: number) {
    super('log_unreachable', `broker ${formatAddress(address)}: ${what} not answered within ${timeoutMs} ms`, { retryable: true })
  }
}

/** Turns what the library threw while talking to a broker into a `LogError`. */
export function connectionError(address: Address, cause: unknown): LogError {
  if (cause instanceof LogError) return cause
  const error = cause as Error
  const where = `broker ${formatAddress(address)}`
  if (findErrorBy(error, 'code', AuthenticationError.code) !== null || chain(error).some((link) => link instanceof AuthenticationError)) {
    return new LogError('log_denied', `${where} refuses the credentials: ${innermostMessage(error)}`, { cause })
  }
  return unreachableError(`${where}: ${innermostMessage(error)}${tlsAdvice(error)}`, cause)
}

/** What to set where the broker's certificate is not believed. */
function tlsAdvice(error: Error): string {
  const codes = chain(error).map((link) => String((link as NodeJS.ErrnoException).code))
  if (codes.includes('ERR_TLS_CERT_ALTNAME_INVALID')) return ' (set log.tls.serverName to a name that its certificate holds)'
  const isUnknown = codes.some((code) => UNKNOWN_AUTHORITY.includes(code))
  return isUnknown ? ' (set log.tls.caFile to the authority that signed its certificate)' : ''
}

const UNKNOWN_AUTHORITY = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

export function unreachableError(message: string, cause?: unknown): LogError {
  return new LogError('log_unreachable', message, { cause, retryable: true })
}

export function deniedError(what: string, code: number): LogError {
  return new LogError('log_denied', `Kafka refuses ${what} to this principal: ${describeCode(code)}`)
}

export function missingTopicError(topic: string, brokers: readonly Address[]): LogError {
  const list = brokers.map(formatAddress).join(',')
  return new LogError(
    'log_topic_missing',
    `topic ${topic} does not exist on ${list}. Create it ` +
      `(kafka-topics.sh --bootstrap-server ${list} --create --topic ${topic} --partitions <n>) or correct its name in the configuration`,
  )
}

export function closedError(): LogError {
  return new LogError('log_closed', 'the log is closed')
}

function chain(error: Error): Error[] {
  const links: Error[] = []
  for (let link: unknown = error; link instanceof Error && links.length < 8; link = link.cause) links.push(link)
  return links
}

/** The library wraps: `Connection to a:1 failed.` says less than its cause, `connect ECONNREFUSED`. */
function innermostMessage(error: Error): string {
  const links = chain(error)
  const last = links[links.length - 1]
  return last === undefined ? String(error) : last.message
}
