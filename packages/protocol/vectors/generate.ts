/**
 * Writes the test vectors from the reference code.
 *
 *   node packages/protocol/vectors/generate.ts                    adds what is new
 *   node packages/protocol/vectors/generate.ts --before-release   also replaces what has changed
 *
 * A vector that was published under a protocol version never changes: receivers in the field were written against it.
 * When the frames have to change, raise PROTOCOL_VERSION.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROTOCOL_VERSION } from '../src/frames.ts'
import type { RecordedSession } from './recording.ts'
import { recordSessions } from './sessions.ts'
import { digest, positions, sync, upstream, values, varints } from './tables.ts'

export interface VectorFile {
  readonly description: string
  readonly protocolVersion: number
  readonly vectors: readonly { readonly name: string }[]
}

/** Text of each vector file, by its name. */
export function generate(): Map<string, string> {
  const sessions = recordSessions()
  const tables: [file: string, description: string, vectors: object[]][] = [
    ['positions.json', POSITIONS, positions()],
    ['digest.json', DIGEST, digest()],
    ['bin-varint.json', VARINT, varints()],
    ['bin-values.json', VALUES, values()],
    ['upstream.json', UPSTREAM, upstream()],
    ['sync.json', SYNC, sync()],
  ]
  const files = new Map(tables.map(([file, description, vectors]) => [file, format(description, vectors.map(line))]))
  files.set('bin-session.json', format(BIN_SESSION, sessions.map(binSession)))
  files.set('json-session.json', format(JSON_SESSION, sessions.map(jsonSession)))
  return files
}

/** Names of vectors of the same protocol version that are gone or different. */
export function broken(published: VectorFile, generated: VectorFile): string[] {
  if (published.protocolVersion !== generated.protocolVersion) return []
  const now = new Map(generated.vectors.map((vector) => [vector.name, JSON.stringify(vector)]))
  return published.vectors.filter((vector) => now.get(vector.name) !== JSON.stringify(vector)).map(({ name }) => name)
}

const POSITIONS =
  'Section 3. Vectors with `text`: the position it stands for, null when it is none. Vectors with `a` and `b`: two records of one symbol with their timestamps; `order` is -1 when a is older, 1 when it is newer, 0 when they are the same.'
const DIGEST = 'Section 8. Vectors with `hash`: one row. Vectors with `rows`: the digest of a set of answered rows.'
const VARINT =
  'Section 10. `varint` or `zigzag` is the number that `hex` stands for. `decodeOnly`: a sender would write it shorter. `invalid`: a receiver must refuse it.'
const VALUES =
  "Section 10, a value of an update. `scale`: the field's scale in the dictionary. `old`: what the receiver holds, absent when nothing. `value`: what it holds afterwards; `gone`: nothing. `valueDouble` instead of `value` for what JSON has no number for."
const UPSTREAM =
  'Section 4. What a receiver sends: the frame, one message of json.v1 that holds it, one message of bin.v1 that holds it, as hex.'
const SYNC =
  'Section 4, sync. Samples come in this order into one estimate; `offsetMs` and `errorMs` (half the round trip) are those of the best sample so far.'
const SESSION =
  'Messages in the order in which they were sent. `frames` are those that a receiver acts on, as json.v1 has them: without unknown frames, and without updates of refs that are not open. `images` is by ref what the receiver holds after the message: fields, or base64 on a feed of codec raw; {} when deleted; a ref without a record yet is absent.'
const BIN_SESSION = `Whole sessions in bin.v1. ${SESSION} \`hex\` is the message.`
const JSON_SESSION = `The sessions of bin-session.json in json.v1. \`text\` is the message. \`images\` is by ref what the receiver holds after the message.`

function binSession({ name, description, messages }: RecordedSession): string {
  const rows = messages.map(({ from, bin, frames, images }) => line({ from, hex: bin, frames, images }))
  return `${line({ name, description }).slice(0, -1)}, "messages": [\n    ${rows.join(',\n    ')}\n  ]}`
}

function jsonSession({ name, messages }: RecordedSession): string {
  const rows = messages.map(({ from, json, images }) => line({ from, text: json, images }))
  return `${line({ name }).slice(0, -1)}, "messages": [\n    ${rows.join(',\n    ')}\n  ]}`
}

const line = (value: object) => JSON.stringify(value)

function format(description: string, vectors: readonly string[]): string {
  return `{\n"description": ${JSON.stringify(description)},\n"protocolVersion": ${PROTOCOL_VERSION},\n"vectors": [\n  ${vectors.join(',\n  ')}\n]\n}\n`
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function main(): number {
  const { values: flags } = parseArgs({ options: { 'before-release': { type: 'boolean', default: false } } })
  let code = 0
  for (const [file, text] of generate()) {
    const path = join(import.meta.dirname, file)
    const published = read(path)
    const names = published === undefined ? [] : broken(JSON.parse(published) as VectorFile, JSON.parse(text) as VectorFile)
    if (names.length > 0 && !flags['before-release']) {
      console.error(`${file}: changed under protocol version ${PROTOCOL_VERSION}: ${names.join('; ')}. Raise PROTOCOL_VERSION.`)
      code = 1
    } else writeFileSync(path, text)
  }
  return code
}

if (import.meta.main) process.exitCode = main()
