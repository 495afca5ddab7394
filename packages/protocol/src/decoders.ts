import { createBinDecoder } from './bin/decoder.ts'
import { encodeUpstreamBin } from './bin/upstream.ts'
import type { Decoder, EncodeUpstream } from './decoder.ts'
import type { Encoding } from './frames.ts'
import { createJsonDecoder } from './json/decoder.ts'

/** A fresh decoder for one session. */
export function createDecoder(encoding: Encoding): Decoder {
  return encoding === 'pulsewire.bin.v1' ? createBinDecoder() : createJsonDecoder()
}

/** How a receiver writes its frames in this encoding; one message each. */
export function encodeUpstreamFor(encoding: Encoding): EncodeUpstream {
  return encoding === 'pulsewire.bin.v1' ? encodeUpstreamBin : JSON.stringify
}
