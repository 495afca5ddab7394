import { readFileSync } from 'node:fs'
import type { FieldValue } from '@pulsewire/protocol'
import protobuf from 'protobufjs'
import { ConfigError } from '../runtime/errors.ts'

/** Turns a record's value into fields. Throws whatever it likes at a value that it cannot read: that record is poison. */
export type DecodeFields = (value: Uint8Array) => Readonly<Record<string, FieldValue>>

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * `json`: a flat object with any fields; nested values are carried as they are. A number too large for a double (`1e999`)
 * becomes `null`, as JSON has no word for infinities: receivers of both encodings see the same.
 */
export const decodeJson: DecodeFields = (value) => {
  const parsed: unknown = JSON.parse(utf8.decode(value))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('the value is no JSON object')
  const fields = parsed as Record<string, FieldValue>
  for (const name in fields) if (fields[name] === Infinity || fields[name] === -Infinity) fields[name] = null
  return fields
}

/**
 * `protobuf`: messages of one type of a schema file. 64-bit integers become numbers (exact up to 2^53), enums names,
 * bytes base64 text, and numbers that JSON has no word for (NaN, infinities) `null`. A proto3 field without presence
 * that is not on the wire has its default: zero is never sent, and a price change of zero must not look like none.
 * Not so with `merge`, where what is not on the wire has not changed.
 * @throws ConfigError `config_invalid` when the file or the message type cannot be used.
 */
export function protobufDecoder(options: {
  readonly schemaFile: string
  readonly message: string
  readonly merge?: boolean
}): DecodeFields {
  const type = loadType(options)
  const defaults = options.merge === true ? {} : implicitDefaults(type)
  const fractions = type.fieldsArray.filter((field) => field.type === 'double' || field.type === 'float').map(({ name }) => name)
  return (value) => {
    const fields: Record<string, unknown> = { ...defaults, ...type.toObject(type.decode(value), CONVERSION) }
    for (const name of fractions) if (typeof fields[name] === 'number' && !Number.isFinite(fields[name])) fields[name] = null
    return fields as Record<string, FieldValue>
  }
}

const CONVERSION = { longs: Number, enums: String, bytes: String } as const

function loadType(options: { readonly schemaFile: string; readonly message: string }): protobuf.Type {
  try {
    const { root } = protobuf.parse(readFileSync(options.schemaFile, 'utf8'), { keepCase: true })
    root.resolveAll()
    return root.lookupType(options.message)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigError('config_invalid', `${options.schemaFile}: ${why}`, [
      `protobuf: message ${options.message} cannot be used from ${options.schemaFile}: ${why}`,
    ])
  }
}

/** What fields stand for that are not on the wire because they have their default. */
function implicitDefaults(type: protobuf.Type): Record<string, unknown> {
  const all = type.toObject(type.create(), { ...CONVERSION, defaults: true })
  const implicit = type.fieldsArray.filter(
    (field) => !field.hasPresence && !field.repeated && !field.map && !(field.resolvedType instanceof protobuf.Type),
  )
  return Object.fromEntries(implicit.map(({ name }) => [name, all[name]]))
}
