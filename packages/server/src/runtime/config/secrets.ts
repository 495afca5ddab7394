import { readFileSync } from 'node:fs'
import { isDevelopmentSecret } from './production-checks.ts'
import { Secret } from './secret.ts'

/** Whoever watches a connection could try out a short one at leisure. */
export const SECRET_CHARS_MIN = 16
/** RFC 7518: a key as long as the hash. */
export const TOKEN_SECRET_CHARS_MIN = 32

export interface SecretSetting {
  /** Secrets of examples are refused. */
  readonly isProduction?: boolean
  /** `gateway.access` */
  readonly section: string
  /** `secret`; the file is `secretFile`. */
  readonly name: string
  readonly charsMin: number
}

/** Where secrets came from, to be read again. */
export interface SecretSource {
  /** Of the setting, such as `inner.secretFile`. */
  readonly name: string
  readonly file: string
  /** @throws Error saying what is wrong, without the secret. */
  readonly read: () => Secret[]
}

/** @returns undefined where the secret is not from a file. */
export function sourceOf(setting: SecretSetting, values: object): SecretSource | undefined {
  const { [setting.name]: value, [`${setting.name}File`]: file } = values as Readonly<Record<string, string | undefined>>
  if (value !== undefined || file === undefined) return undefined
  const read = (): Secret[] => {
    const problems: string[] = []
    const secrets = secretsOf(setting, values, problems)
    if (problems.length > 0) throw new Error(problems.join('; '))
    return secrets
  }
  return { name: `${setting.section}.${setting.name}File`, file, read }
}

/**
 * The secrets that a setting, or the file that its sister names, holds: one a line, the first is the one to show others.
 * Two are valid while one takes the place of the other.
 * @param problems gets what is wrong, one line each.
 */
export function secretsOf({ section, name, charsMin, isProduction }: SecretSetting, values: object, problems: string[]): Secret[] {
  const { [name]: value, [`${name}File`]: file } = values as Readonly<Record<string, string | undefined>>
  if (value === undefined && file === undefined) return []
  const where = file === undefined ? `${section}.${name}` : `${section}.${name}File: the file ${file}`
  const text = value ?? textOf(String(file))
  if (typeof text !== 'string') {
    problems.push(`${where} cannot be read (${text.code}), expected a file that holds the secret`)
    return []
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  if (lines.length === 0) problems.push(`${where} is empty, expected a secret`)
  for (const line of lines) {
    if (line.length < charsMin)
      problems.push(`${where} has ${line.length} characters, expected at least ${charsMin}, such as those of \`openssl rand -hex 24\``)
  }
  if (isProduction === true && lines.some(isDevelopmentSecret))
    problems.push(`${where} looks like one of an example or a test, expected such as those of \`openssl rand -hex 24\` in production`)
  return lines.map((line) => new Secret(line))
}

/** @returns what is in it, or why it cannot be read. */
function textOf(file: string): string | { readonly code: string } {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? (error as Error).message }
  }
}
