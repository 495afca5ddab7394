import type { Target } from '../engine/target.ts'
import { clients } from './clients.ts'
import { records } from './control-records.ts'
import { fromReceivers } from './from-receivers.ts'
import { fromSenders } from './from-senders.ts'
import { gateways } from './gateways.ts'
import { intake } from './intake.ts'
import { sessions } from './sessions.ts'
import { texts } from './texts.ts'
import { tokens } from './tokens.ts'

export const targets: readonly Target[] = [
  ...fromReceivers,
  ...fromSenders,
  ...sessions,
  ...gateways,
  ...clients,
  ...records,
  ...intake,
  ...texts,
  ...tokens,
]
