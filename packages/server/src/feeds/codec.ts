import { readFileSync } from 'node:fs'
import type { FieldValue } from '@pulsewire/protocol'
import protobuf from 'protobufjs'
import { ConfigError } from '../runtime/errors.ts'

/** Turns a record's value into fields. Throws whatever it likes at a value that it cannot read: that record is poison. */
export type DecodeFields = (value: Uint8Array) => Readonly<Record<string, FieldValue>>

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `json`: a flat object with any fields; nested values are carried as they are. */
export const decodeJson: DecodeFields = (value) => {
  const parsed: unknown = JSON.parse(utf8.decode(value))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('the value is no JSON object')
  return parsed as Record<string, FieldValue>
}

/**
 * `protobuf`: messages of one type of a schema file. 64-bit integers become numbers (exact up to 2^53), enums names,
 * bytes base64 text.
 * @throws ConfigError `config_invalid` when the file or the message type cannot be used.
 */
export function protobufDecoder(options: { readonly schemaFile: string; readonly message: string }): DecodeFields {
  let type: protobuf.Type
  try {
    const { root } = protobuf.parse(readFileSync(options.schemaFile, 'utf8'), { keepCase: true })
    type = root.lookupType(options.message)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigError('config_invalid', `${options.schemaFile}: ${why}`, [
      `protobuf: message ${options.message} cannot be used from ${options.schemaFile}: ${why}`,
    ])
  }
  return (value) => type.toObject(type.decode(value), { longs: Number, enums: String, bytes: String }) as Record<string, FieldValue>
}
