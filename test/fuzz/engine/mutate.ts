import type { Random } from '../../simulation/world/random.ts'
import { bytesOf, textOf, type Input } from './input.ts'
import { mutateBytes, replaced } from './mutate-bytes.ts'
import { mutateJson } from './mutate-json.ts'

const MESSAGES_MAX = 24
/** Above it a message is cut: what a gateway takes at most of a client, and some. */
const MESSAGE_BYTES_MAX = 20 * 1024
const EDITS_MAX = 4
/** First byte of a frame of bin.v1 that holds JSON, and the first that is an update, whose length is not told. */
const KIND_JSON = 0x01
const KIND_UPDATE = 0x80

/** A few edits of an input: of its messages' bytes, of the JSON in them, of their order. `other` lends its parts. */
export function mutate(random: Random, input: Input, other: Input): Input {
  let mutated = input
  for (let edits = random.int(1, EDITS_MAX); edits > 0; edits--) {
    mutated = random.chance(0.15) ? mutateOrder(random, mutated, other) : mutateMessage(random, mutated, other)
  }
  return mutated
}

function mutateOrder(random: Random, input: Input, other: Input): Input {
  const messages = [...input]
  const at = random.int(0, messages.length)
  const kind = random.int(0, 3)
  if (kind === 0) messages.splice(at, 1)
  else if (kind === 1 && messages.length > 0) messages.splice(at, 0, random.pick(messages))
  else if (kind === 2 && other.length > 0) messages.splice(at, random.int(0, 1), random.pick(other))
  else if (messages.length > 1) {
    const [message] = messages.splice(random.int(0, messages.length - 1), 1)
    messages.splice(at, 0, message!)
  }
  return messages.slice(0, MESSAGES_MAX)
}

function mutateMessage(random: Random, input: Input, other: Input): Input {
  if (input.length === 0) return other.slice(0, 1)
  const at = random.int(0, input.length - 1)
  const lender = other.length === 0 ? input[at]! : random.pick(other)
  const message = structured(random, input[at]!, lender) ?? mutateBytes(random, input[at]!, lender)
  return [...input.slice(0, at), message.subarray(0, MESSAGE_BYTES_MAX), ...input.slice(at + 1)]
}

/** An edit that leaves what is around it whole, so that it gets past the first check. */
function structured(random: Random, message: Uint8Array, other: Uint8Array): Uint8Array | undefined {
  if (random.chance(0.3)) return undefined
  const frame = message[0] === KIND_JSON ? pickFrame(random, message) : undefined
  const start = frame?.start ?? 0
  const end = frame?.end ?? message.length
  const lender = other[0] === KIND_JSON ? pickFrame(random, other) : undefined
  const lent = lender === undefined ? other : other.subarray(lender.start, lender.end)
  const edited = mutateJson(random, textOf(message.subarray(start, end)), textOf(lent))
  if (edited === undefined) return undefined
  const bytes = bytesOf(edited)
  if (frame === undefined) return bytes
  return replaced(message, frame.lengthAt, end - frame.lengthAt, [...varint(bytes.length), ...bytes])
}

interface Frame {
  readonly lengthAt: number
  readonly start: number
  readonly end: number
}

/** One of the frames of JSON at the beginning of a message of bin.v1. */
function pickFrame(random: Random, message: Uint8Array): Frame | undefined {
  const frames: Frame[] = []
  for (let at = 0; at < message.length && message[at]! < KIND_UPDATE; ) {
    const kind = message[at]
    let length = 0
    let start = at + 1
    for (let factor = 1; start < message.length; factor *= 128) {
      const byte = message[start++]!
      length += (byte & 127) * factor
      if (byte < 128) break
    }
    const end = start + length
    if (end > message.length) break
    if (kind === KIND_JSON) frames.push({ lengthAt: at + 1, start, end })
    at = end
  }
  return frames.length === 0 ? undefined : random.pick(frames)
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
