/**
 * Errors of the world outside (assertions are for our own bugs). `code` is stable and documented in docs/errors.md,
 * `retryable` says whether trying again unchanged can help; messages say what to do.
 */
export class PulsewireError extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

export const LOG_ERROR_CODES = {
  log_unreachable: 'No broker answers.',
  log_topic_missing: 'The topic does not exist.',
  log_topic_exists: 'The topic exists already with another number of partitions.',
  log_topic_recreated: 'The topic was deleted and created again under the same name.',
  log_append_failed: 'A record could not be appended.',
  log_record_too_large: 'A record is larger than the log accepts.',
  log_denied: 'The log refuses this principal or these credentials.',
  log_closed: 'The log was closed.',
} as const

export type LogErrorCode = keyof typeof LOG_ERROR_CODES

export class LogError extends PulsewireError {
  constructor(code: LogErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(code, message, options)
  }
}

export const DIRECTORY_ERROR_CODES = {
  control_topic_missing: 'The control topic does not exist and cannot be created.',
  control_topic_shape: 'The control topic has more than one partition.',
  control_record_invalid: 'What was to be written into the control topic could not be read by any node.',
  control_topic_silent: 'The control topic could not be read to its end in time.',
  node_id_taken: 'Another process that runs has the id of this node.',
  node_superseded: 'Another process, started later, has the id of this node.',
  node_unknown: 'No node of that name has ever had a lease.',
  revocations_full: 'As many revocations are held as are kept.',
  feed_unread: 'No push node that has a lease reads a feed of that name.',
  feed_changed: 'Somebody else has changed the feed in the catalogue meanwhile.',
  preflight_failed: 'The topic that a feed is to move to is not fit for it.',
  migration_refused: 'The feed cannot be moved as asked.',
  migration_unfinished: 'A migration waits for nodes that have not done their part in time.',
} as const

export class DirectoryError extends PulsewireError {
  constructor(code: keyof typeof DIRECTORY_ERROR_CODES, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options)
  }
}

export const ACCESS_ERROR_CODES = {
  access_keys: 'A file of keys for tokens cannot be used.',
  tls_unusable: 'A file of a certificate or its key cannot be used.',
} as const

export const CONFIG_ERROR_CODES = {
  config_invalid: 'The configuration has mistakes; every one is listed.',
  config_unreadable: 'The configuration file cannot be read.',
} as const

export class ConfigError extends PulsewireError {
  /** One line per mistake: where, what, and what would be right. */
  readonly problems: readonly string[]

  constructor(code: keyof typeof CONFIG_ERROR_CODES, message: string, problems: readonly string[] = []) {
    super(code, message)
    this.problems = problems
  }
}
