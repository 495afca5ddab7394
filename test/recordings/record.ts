/**
 * Records what this version puts on the wire, for later versions to be held to.
 *
 *   npm run record                       a version that has no recording yet, or the same again
 *   npm run record -- --before-release   also replaces what has changed
 *
 * A recording of a released version never changes: nodes and clients of it are out there. See README.md beside this file.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { VERSION } from '../../packages/server/src/runtime/version.ts'
import { textOf, type RecordedHop, type RecordedRecords, type Recording } from './format.ts'
import { recordHops } from './hops.ts'
import { recordRecords } from './records.ts'

/** What this version puts on the wire today. */
export async function makeRecording(): Promise<Recording> {
  const files = new Map<string, RecordedHop | RecordedRecords>()
  for (const hop of await recordHops()) files.set(`${hop.hop.replaceAll(' ', '-')}.${hop.encoding}.json`, hop)
  return files.set('records.json', await recordRecords())
}

async function main(): Promise<number> {
  const { values: flags } = parseArgs({ options: { 'before-release': { type: 'boolean', default: false } } })
  const folder = join(import.meta.dirname, VERSION)
  mkdirSync(folder, { recursive: true })
  let code = 0
  for (const [name, file] of await makeRecording()) {
    const path = join(folder, name)
    const before = textIn(path)
    if (before !== undefined && before !== textOf(file) && !flags['before-release']) {
      console.error(`${path}: version ${VERSION} wrote something else. Raise the version, or --before-release when it is not released yet.`)
      code = 1
    } else writeFileSync(path, textOf(file))
  }
  return code
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

if (import.meta.main) process.exitCode = await main()
