import { NAME_RULE } from './name.ts'

/**
 * Codes that cross the wire. `docs/errors.md` lists the same ones; a test keeps both equal.
 * Close codes say by their range whether to come back: 4000–4099 no, 4100–4199 after a backoff, 4200–4299 at once, elsewhere first.
 */
export const CLOSE_CODES = {
  protocol_error: [4000, 'The receiver broke the protocol; the message says how.'],
  unauthorized: [4001, 'No token, or one that is not accepted.'],
  forbidden: [4002, 'The token is good but gives no access here.'],
  revoked: [4003, 'The token was revoked, or all tokens of its user were.'],
  too_many_errors: [4004, 'Four frames in a row could not be handled.'],
  message_flood: [4005, 'More messages came than a receiver may send.'],
  overloaded: [4100, 'This node takes no more sessions now.'],
  slow_consumer: [4101, 'The receiver stopped taking what it is sent, or asks for more than it takes answers to.'],
  hello_timeout: [4103, 'No hello came in time after the upgrade.'],
  not_ready: [4104, 'This node is not ready yet (warming up).'],
  token_expired: [4105, 'The token expired and no new one came.'],
  keys_unavailable: [4106, 'The token cannot be checked now: the keys for it cannot be fetched.'],
  too_many_connections: [4107, 'The user has as many connections as the token allows.'],
  draining: [4200, 'This node is going away; connect elsewhere.'],
  internal_error: [4201, 'A fault of this node; connect elsewhere.'],
} as const satisfies Record<string, readonly [number, string]>

export type CloseReason = keyof typeof CLOSE_CODES

/** Whether a close code (RFC 6455's own included) invites to come back, and how fast. */
export function reconnectPolicy(closeCode: number): 'never' | 'backoff' | 'elsewhere' {
  if (closeCode >= 4000 && closeCode <= 4099) return 'never'
  if (closeCode >= 4200 && closeCode <= 4299) return 'elsewhere'
  return 'backoff'
}

/** Whether a fresh token may help after this close code: `unauthorized` and `revoked`. */
export function mayRenewToken(closeCode: number): boolean {
  return closeCode === 4001 || closeCode === 4003
}

/** Why a symbol, pattern, group or whole subscribe was refused, or a frame not handled. */
export const REFUSAL_CODES = {
  bad_frame: 'The frame is not valid; the message names the member.',
  unknown_frame: 'No such frame.',
  message_flood: 'More messages came than a receiver may send.',
  feed_unknown: 'No such feed here.',
  group_unknown: 'No such group is configured.',
  symbol_invalid: `A symbol is ${NAME_RULE}.`,
  pattern_invalid: `A pattern is ${NAME_RULE}.`,
  symbol_unknown: 'No record of the symbol is known, and no more such symbols are held, for this session or in the feed.',
  subscriptions_limit: 'The session, or the node, holds as many symbols or patterns as it may. A pattern refused so brings nothing more.',
  options_differ: 'This id is open with other options; use another id.',
  options_invalid: 'The options do not fit the feed; the message says why.',
  subscription_unknown: 'No such id is open.',
  feed_closed: 'The feed was closed.',
  not_named: 'The receiver did not name it when it was asked to name everything again.',
  upstream_refused: 'Every upstream node refused it; the message says why.',
  upstream_timeout: 'No upstream node answered in time.',
  not_entitled: 'The token does not give access to it; the message says to what.',
} as const

export type RefusalCode = keyof typeof REFUSAL_CODES

/** What is wrong with a token. In an `error` frame before the close, or in answer to `token`. */
export const TOKEN_CODES = {
  token_missing: 'There is no token, and nobody is let in without one.',
  token_malformed: 'It is no JSON Web Token in compact form, or one that demands what is not supported here.',
  token_algorithm: 'Its algorithm is not one of those that are accepted.',
  token_key_unknown: 'It names a key that is not known.',
  token_signature: 'Its signature is not good.',
  token_expired: 'It has expired.',
  token_early: 'It is not valid yet.',
  token_issuer: 'It is of another issuer.',
  token_audience: 'It is for another audience.',
  token_type: 'It is of another type.',
  token_claims: 'A claim is missing, or is not what it should be; the message names it.',
  token_life: 'It is valid for longer than tokens may be.',
  token_secret: 'It is not the secret by which nodes are let in here.',
  token_user: 'It is for another user than the session.',
  token_revoked: 'It was revoked, or all tokens of its user were.',
  token_unchecked: 'It could not be checked: the keys for it cannot be fetched now.',
} as const

export type TokenCode = keyof typeof TOKEN_CODES

/** Also one of a later version: all of them begin so, and no refusal does. */
export function isTokenCode(code: string): boolean {
  return code.startsWith('token_')
}

/** Why a partition, or a symbol, is stale. */
export const STALE_REASONS = {
  log_unreachable: 'The log (Kafka) cannot be read.',
  reader_stalled: 'The reader of the log makes no progress although the log is reachable.',
  unproven: 'Records flow but no pulse does: all pulse writers are gone, so freshness cannot be proven.',
  no_pulse: 'Neither pulses nor records arrive on this hop.',
  lagging: 'Pulses arrive, but too old.',
  topic_missing: 'The topic does not exist (any more).',
  topic_recreated: 'The topic was deleted and created again; the feed needs a new generation.',
  upstream_disconnected: 'No connection to any upstream node that carries the partition.',
  disconnected: 'The client has lost its gateway.',
  warming: 'The node is reading its images in.',
  resyncing: 'A subscription is being repaired, or a node was away: it takes in what it missed, or cannot tell yet how old pulses are.',
} as const

export type StaleReason = keyof typeof STALE_REASONS

export const NOTICE_CODES = {
  slow: 'This receiver takes less than it is sent; updates are being conflated.',
  caught_up: 'The receiver is no longer slow.',
} as const

export type NoticeCode = keyof typeof NOTICE_CODES

/** Why a question to a node has no answer, or not all of it. */
export const ASK_CODES = {
  ask_unproven: 'The question bears no proof by the operator secret of this installation.',
  ask_off: 'The node takes no questions: it has no operator secret.',
  ask_unknown: 'The node has no such question, or not with these arguments; the message says why.',
  ask_too_many: 'More questions than a node takes at once, or in a time.',
  ask_no_way: 'A node on the way has no link to the next one.',
  ask_no_answer: 'A node on the way says nothing: it is frozen, its event loop is blocked, or the line to it is cut.',
  ask_link_lost: 'The link that the answer came over was lost.',
  ask_failed: 'The node could not find out; the message says why.',
  ask_too_large: 'The answer is larger than a node gives.',
} as const

export type AskCode = keyof typeof ASK_CODES
