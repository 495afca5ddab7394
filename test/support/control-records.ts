import {
  encodeFeed,
  encodeGrey,
  encodeGreyStop,
  encodeLease,
  encodeRemoval,
  encodeRevocation,
  encodeWord,
  type ControlRecord,
} from '../../packages/server/src/directory/control-record.ts'
import type { LogAppend } from '../../packages/server/src/log/index.ts'

/** A record of the control topic that was read, as this version writes it. @throws TypeError of one that was not understood. */
export function encodeAgain(read: ControlRecord): LogAppend {
  switch (read.kind) {
    case 'lease':
      return encodeLease(read.lease, read.left)
    case 'word':
      return encodeWord(read.name, read.word)
    case 'feed':
      return encodeFeed(read.feed)
    case 'revoke':
      return { ...encodeRevocation(read.revocation), key: `revoke/${read.name}` }
    case 'grey':
      return { ...encodeGrey(read.release), key: `grey/${read.name}` }
    case 'stop':
      return { ...encodeGreyStop(read.stop), key: `stop/${read.name}` }
    case 'removed':
      return encodeRemoval(read.of, read.name)
    case 'ignored':
      throw new TypeError(read.problem)
  }
}
