import { pino } from 'pino'
import { standardErrorSink } from './log-sink.ts'

/** What a line says beside its code and message. Errors go under `error`. Never put a secret or a token in here. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Where a node says what happened. Each line has a stable `code` (snake_case, to search and alert by), a message for
 * people, and fields. Never call it per record: once per change of state, or rate-limited.
 */
export interface Logger {
  debug(code: string, message: string, fields?: LogFields): void
  info(code: string, message: string, fields?: LogFields): void
  warn(code: string, message: string, fields?: LogFields): void
  error(code: string, message: string, fields?: LogFields): void
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Logger
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Says nothing: for tests, and the default of parts that can do without a log. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLogger }

export interface MemoryLine {
  readonly level: LogLevel
  readonly code: string
  readonly message: string
  readonly fields: LogFields
}

export interface MemoryLogger extends Logger {
  /** Oldest first; those of children too. */
  readonly lines: readonly MemoryLine[]
}

/** Keeps its lines: for tests, and for a node's own account of its last hours. `linesMax` (default 10,000) bounds it; the oldest go first. */
export function createMemoryLogger(options: { readonly linesMax?: number } = {}): MemoryLogger {
  const lines: MemoryLine[] = []
  const linesMax = options.linesMax ?? 10_000
  const at = (bound: LogFields): Logger => {
    const write = (level: LogLevel) => (code: string, message: string, fields?: LogFields) => {
      lines.push({ level, code, message, fields: { ...bound, ...fields } })
      if (lines.length > linesMax) lines.shift()
    }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => at({ ...bound, ...more }),
    }
  }
  return Object.assign(at({}), { lines })
}

export interface LoggerOptions {
  readonly level: LogLevel | 'silent'
  /** `json`: one object per line. `pretty`: for people. */
  readonly format: 'json' | 'pretty'
  /** Carried by every line, such as the node's id. */
  readonly fields?: LogFields
  /**
   * Where lines go. Default: standard error, written at once, so that the last words before a crash are not lost. Lines
   * that cannot be written are counted, never waited for.
   */
  readonly write?: (line: string) => void
}

/** The logger of a real process. */
export function createLogger(options: LoggerOptions): Logger {
  const format = options.format === 'pretty' ? prettyLine : (line: string) => line
  const write = options.write ?? standardError(format)
  const print = (line: string): void => write(format(line))
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    { write: print },
  )
  return adapt(options.fields === undefined ? root : root.child(options.fields))
}

/** What was dropped is told of in the same form as everything else. */
function standardError(format: (line: string) => string): (line: string) => void {
  const sink = standardErrorSink((lines, why) => {
    const told = {
      level: 'warn',
      time: new Date().toISOString(),
      code: 'log_lines_dropped',
      lines,
      msg: `${lines} log lines were lost: ${why}`,
    }
    return format(`${JSON.stringify(told)}\n`)
  })
  return (line) => sink.write(line)
}

function adapt(target: pino.Logger): Logger {
  const write = (level: LogLevel) => (code: string, message: string, fields?: LogFields) => target[level]({ code, ...fields }, message)
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => adapt(target.child(fields)),
  }
}

/** `12:01:07.123 warn  link_lost: push-a1 is gone  node=gw-1 attempts=3` */
function prettyLine(line: string): string {
  const { level, time, code, msg, error, ...fields } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const stack = error === undefined ? '' : `\n    ${describeError(error).replaceAll('\n', '\n    ')}`
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${code}: ${msg}${rest.length === 0 ? '' : `  ${rest.join(' ')}`}${stack}\n`
}

function describeError(error: unknown): string {
  const { stack, message } = (typeof error === 'object' && error !== null ? error : {}) as { stack?: string; message?: string }
  return stack ?? message ?? String(error)
}
