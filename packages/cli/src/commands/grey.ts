import { Command, InvalidArgumentError } from 'commander'
import { type Saying, whenSaid, whoSaid } from '@pulsewire/server'
import { setGrey, usersIn } from '../grey/set.ts'
import { type DirectoryFlags, openDirectoryOf } from '../nodes/open.ts'
import { operatorOf, type SpeakerFlags, withSpeaker } from '../nodes/operator.ts'
import { withDirectory } from './directory-flags.ts'

interface SetFlags extends DirectoryFlags, SpeakerFlags {
  readonly percent?: number
  readonly users?: string
  readonly guard: boolean
}

interface ShowFlags extends DirectoryFlags {
  readonly user?: string
  readonly json: boolean
}

export function greyCommand(): Command {
  const setting = withSpeaker(
    withDirectory(
      new Command('set').description('a part of all users, named ones, or both; the same users for as long as nothing else is said'),
    ),
  )
    .option('--percent <percent>', 'part of all users, 0 to 100', toPercent)
    .option('--users <file>', 'users that take part in any case, one per line')
    .option('--no-guard', 'balancers do not stop it, whatever they see')
    .action(async ({ percent = 0, users, guard, ...flags }: SetFlags, self: Command) => {
      if (self.getOptionValue('percent') === undefined && users === undefined) return self.error('error: name --percent, --users, or both')
      const named = users === undefined ? [] : await usersIn(users)
      await using open = await openDirectoryOf(flags)
      await setGrey(open, { percent, users: named, ...(guard ? {} : { guarded: false }) }, operatorOf(flags))
      console.log(`${describe(percent, named.length)} are sent to gateways of track grey when they connect next`)
    })
  const off = withSpeaker(withDirectory(new Command('off').description('nobody takes part')))
  off.action(async (flags: DirectoryFlags & SpeakerFlags) => {
    await using open = await openDirectoryOf(flags)
    await setGrey(open, null, operatorOf(flags))
    console.log('nobody is sent to gateways of track grey; to move those who are there, drain them: `pulsewire node drain ID`')
  })
  const show = withDirectory(new Command('show').description('who takes part, and since when'))
    .option('--user <name>', 'whether this user does')
    .option('--json', 'one JSON object', false)
    .action(async ({ user, json, ...flags }: ShowFlags) => {
      await using open = await openDirectoryOf(flags)
      const { grey } = open.directory
      if (json) return console.log(JSON.stringify(grey === null ? null : { ...grey.release, stopped: grey.stopped }))
      const said = open.directory.greySaid
      if (grey === null) return console.log(`nobody takes part in a grey release${said === null ? '' : `: ${told(said)}`}`)
      const { percent, users } = grey.release
      if (grey.stopped !== null) {
        const { by, reason, atMs: stoppedAtMs } = grey.stopped
        console.log(`nobody takes part: ${by} stopped the release at ${new Date(stoppedAtMs).toISOString()}: ${reason}`)
        console.log('`pulsewire grey set` sets another one')
        return
      }
      console.log(`${describe(percent, users.length)} take part: ${told(grey.release)}`)
      if (user !== undefined) console.log(`${user} ${grey.includes(user) ? 'does' : 'does not'}`)
    })
  return new Command('grey')
    .description('which users are sent to the nodes of a grey release (`node.track: grey`)')
    .addCommand(setting)
    .addCommand(off)
    .addCommand(show)
}

function told(saying: Saying): string {
  return `${whoSaid(saying)} said so${whenSaid(saying)}`
}

function describe(percent: number, named: number): string {
  const parts = [...(percent > 0 ? [`${percent} % of all users`] : []), ...(named > 0 ? [`${named} named users`] : [])]
  return parts.join(' and ') || '0 users'
}

function toPercent(value: string): number {
  const percent = Number(value)
  if (value.trim() === '' || !(percent >= 0 && percent <= 100)) throw new InvalidArgumentError('It is a number from 0 to 100.')
  return percent
}
