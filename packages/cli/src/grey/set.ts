import { readFile } from 'node:fs/promises'
import {
  ConfigError,
  GREY_USERS_MAX,
  greyDigest,
  type GreyRelease,
  laterThan,
  type Saying,
  sayGrey,
  sayGreyOff,
  systemClock,
} from '@pulsewire/server'
import { heard } from '../nodes/heard.ts'
import type { OpenDirectory } from '../nodes/open.ts'

/** Says who takes part, `null`: nobody; and waits until it has come back from the log, as every balancer has it then. @throws DirectoryError */
export async function setGrey(open: OpenDirectory, release: Omit<GreyRelease, keyof Saying> | null, by: string): Promise<void> {
  const { log, directory } = open
  const atMs = laterThan(directory.greySaidAtMs, systemClock.nowMs())
  await (release === null ? sayGreyOff(log, directory.topic, atMs, by) : sayGrey(log, directory.topic, { ...release, atMs, by }))
  await heard(open, () => directory.greySaidAtMs >= atMs)
}

/** Digests of the users that a file names, one per line. @throws ConfigError when it cannot be read, or names too many. */
export async function usersIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError('config_unreadable', `--users: ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  })
  const users = new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  )
  if (users.size > GREY_USERS_MAX)
    throw new ConfigError('config_invalid', `--users: ${file} names ${users.size} users, at most ${GREY_USERS_MAX}: say --percent for more`)
  return [...users].map(greyDigest)
}
