import { ProtocolError } from '../decoder.ts'

export function base64ToBytes(text: string): Uint8Array {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    throw new ProtocolError('raw is not base64')
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

export function bytesToBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
