import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'

const RESULTS = join(import.meta.dirname, '..', 'results')

/** Keeps what was measured, for comparison with other runs. @returns the file */
export async function keepResult(what: string, result: object): Promise<string> {
  await mkdir(RESULTS, { recursive: true })
  const at = new Date().toISOString()
  const file = join(RESULTS, `${what}-${at.replaceAll(/[:.]/g, '-')}.json`)
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version }
  await writeFile(file, `${JSON.stringify({ at, machine, ...result }, null, 2)}\n`)
  return file
}
