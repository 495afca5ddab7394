import { hostname, userInfo } from 'node:os'
import type { Command } from 'commander'
import { BY_CHARS_MAX } from '@pulsewire/server'

/** How a command that says something to all nodes is told who says it. */
export interface SpeakerFlags {
  readonly by?: string
}

export function withSpeaker(command: Command): Command {
  return command.option('--by <who>', 'who says it, for those who ask later; default: the user and host of this command')
}

/** Who says it. Nothing proves it: it is for colleagues, and whoever may write to the control topic may write anything. */
export function operatorOf({ by }: SpeakerFlags = {}): string {
  return (by?.trim() || `${userName()}@${hostname()}`).slice(0, BY_CHARS_MAX)
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}
