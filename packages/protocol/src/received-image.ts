import type { ReceivedImage } from './decoder.ts'
import type { FieldValue } from './frames.ts'

/** The decoders' own, writable side of `ReceivedImage`. */
export class MutableImage implements ReceivedImage {
  readonly ref: number
  readonly feedIndex: number
  generation = 0
  partition = 0
  offset = -1
  ts = 0
  n = 0
  prev = -1
  snapshot = false
  deleted = false
  raw: Uint8Array | null = null
  values: (FieldValue | undefined)[] = []
  changed: number[] = []

  constructor(ref: number, feedIndex: number) {
    this.ref = ref
    this.feedIndex = feedIndex
  }
}
