/** Building blocks of the schema. Every setting states its default and what it is for; the unit is the last word of its name. */
import { NAME_RULE } from '@pulsewire/protocol'
import * as z from 'zod'

interface Bounds {
  readonly default: number
  readonly min?: number
  readonly max?: number
}

const DAY_MS = 86_400_000
const GIB = 1024 ** 3

/** A duration in whole milliseconds, by default from 1 ms to a day. */
export function durationMs(description: string, bounds: Bounds) {
  return whole(description, { min: 1, max: DAY_MS, ...bounds })
}

/** A size in bytes, by default from 1 byte to 64 GiB. */
export function bytes(description: string, bounds: Bounds) {
  return whole(description, { min: 1, max: 64 * GIB, ...bounds })
}

/** How many of something, by default from 1 to a thousand million. */
export function count(description: string, bounds: Bounds) {
  return whole(description, { min: 1, max: 1e9, ...bounds })
}

function whole(description: string, bounds: Required<Bounds>) {
  return z.int().min(bounds.min).max(bounds.max).default(bounds.default).describe(description)
}

export function flag(description: string, byDefault: boolean) {
  return z.boolean().default(byDefault).describe(description)
}

/** `expected` is what a message says to whoever wrote something else. */
export function text(description: string, expected: string, pattern: RegExp) {
  return z.string().regex(pattern).meta({ description, expected })
}

/** As `isValidName` has it, but as a pattern, which the JSON schema shows. */
export const subject = text('One symbol or pattern.', `a symbol or pattern: ${NAME_RULE}`, /^[^\p{Cc}\p{Cf}\u2028\u2029]{1,64}$/u)

/** Names that travel in frames, metrics and logs: no spaces, nothing to escape. */
export function nodeName(description: string) {
  return text(description, '1 to 64 letters, digits, dots, dashes or underscores', /^[A-Za-z0-9._-]{1,64}$/)
}

/** A file that is read at start. Relative paths start at the directory of the configuration file, otherwise at the working directory. */
export function filePath(description: string) {
  return z.string().min(1).meta({ description, expected: 'the path of a readable file', file: true })
}

/** Refused in files and flags: it comes from its environment variable or from the file that `<name>File` names. */
export function secret(description: string) {
  return z.string().min(1).meta({ description, secret: true })
}

export function listen(description: string, address: { readonly host: string; readonly port: number }) {
  return z
    .strictObject({
      host: z.string().min(1).default(address.host).describe('Address to listen on; 0.0.0.0 is every IPv4 one, :: every one.'),
      port: z.int().min(0).max(65_535).default(address.port).describe('TCP port; 0 takes any free one.'),
    })
    .prefault({})
    .describe(description)
}
