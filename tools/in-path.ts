import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** @returns where a program is, in the path or in these folders besides. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...path, ...folders].map((folder) => join(folder, name)).find((file) => existsSync(file))
}
