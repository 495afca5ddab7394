/** What must not be in a tracked file: secrets, paths of somebody's machine, addresses of private registries. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----/, 'a private key'],
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/, 'a cloud access key'],
  [/\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}/, 'a GitHub token'],
  [/\bnpm_[A-Za-z0-9]{36}\b|_authToken\s*=/, 'an npm token'],
  [/\bxox[abprs]-[A-Za-z0-9-]{20,}/, 'a Slack token'],
  [/(^|[\s"'`(=])\/(home|Users|root|work)\/[\w.-]+/m, 'a path of somebody’s machine'],
  [/\b[A-Z]:\\Users\\/, 'a path of somebody’s machine'],
  [/"resolved": "https?:/, 'the address of a package registry'],
  [/^\s*(@[\w-]+:)?registry\s*=/m, 'the address of a package registry'],
]

const BINARY = /\.(png|jpg|ico|woff2?|bin|gz|zip|pdf)$/

export function findForbiddenContent(root: string, files: readonly string[]): string[] {
  return files
    .filter((file) => !BINARY.test(file) && file !== 'tools/check/tracked-content.ts')
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      return PATTERNS.flatMap(([pattern, what]) => {
        const match = pattern.exec(text)
        return match === null ? [] : [`${file}:${text.slice(0, match.index).split('\n').length} holds ${what}`]
      })
    })
}
