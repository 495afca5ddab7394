import { readFileSync } from 'node:fs'

/** What a file holds that has a password and nothing else. @throws Error when it cannot be read. */
export function readPasswordFile(path: string): string {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
}
