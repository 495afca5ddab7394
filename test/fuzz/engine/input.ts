/** What a target is given: the messages of one connection, in order. Text is UTF-8. */
export type Input = readonly Uint8Array[]

/** An input as the files of `regressions` hold it: text where a message is text, else hex. */
export type WrittenInput = readonly ({ readonly text: string } | { readonly hex: string })[]

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/** A message as a WebSocket would hand it out; what is no UTF-8 never comes so far there (close code 1007). */
export function textOf(message: Uint8Array): string {
  return lossy.decode(message)
}

export function bytesOf(message: Uint8Array | string): Uint8Array {
  return typeof message === 'string' || Buffer.isBuffer(message) ? new Uint8Array(Buffer.from(message as Uint8Array)) : message
}

export function writeInput(input: Input): WrittenInput {
  return input.map((message) => {
    const text = /[\u0000-\u001f]/.test(textOf(message)) ? undefined : exactText(message)
    return text === undefined ? { hex: Buffer.from(message).toString('hex') } : { text }
  })
}

export function readInput(written: WrittenInput): Input {
  return written.map((message) => bytesOf('text' in message ? message.text : Buffer.from(message.hex, 'hex')))
}

function exactText(message: Uint8Array): string | undefined {
  try {
    return utf8.decode(message)
  } catch {
    return undefined
  }
}
