import { Command } from 'commander'
import { operatorOf } from '../nodes/operator.ts'
import { type DirectoryFlags, onlookerConfig, openDirectoryOf } from '../nodes/open.ts'
import { revoke } from '../tokens/revoke.ts'
import { withDirectory } from './directory-flags.ts'

interface RevokeFlags extends DirectoryFlags {
  readonly user?: string
  readonly jti?: string
}

export function tokenCommand(): Command {
  const command = new Command('token').description('take back what tokens give, before they expire')
  const revoking = new Command('revoke').description(
    'close the connections of a user or token within 5 s, and let nobody in with it again; tokens that the user is given later count',
  )
  withDirectory(revoking)
    .option('--user <name>', 'all tokens of this user that were issued until now')
    .option('--jti <id>', 'the one token of this id')
    .action(async (flags: RevokeFlags, self: Command) => {
      const [of, name] = flags.user === undefined ? (['jti', flags.jti] as const) : (['user', flags.user] as const)
      if (name === undefined || name === '' || (flags.user !== undefined && flags.jti !== undefined))
        return self.error('error: name either --user or --jti')
      const { tokenLifeMaxMs, clockToleranceMs } = onlookerConfig(flags).gateway.access
      await using open = await openDirectoryOf(flags)
      const atMs = Date.now()
      const by = operatorOf()
      await revoke(open, { of, name, atMs, untilMs: atMs + tokenLifeMaxMs + 2 * clockToleranceMs, by })
      console.log(`${of === 'user' ? `the tokens of user ${name}` : `token ${name}`} count no more`)
    })
  const listing = withDirectory(new Command('revoked').description('list what is revoked, until no token is left that it means'))
  listing.option('--json', 'one JSON object each', false).action(async (flags: DirectoryFlags & { readonly json: boolean }) => {
    await using open = await openDirectoryOf(flags)
    const all = [...open.directory.revocations].filter(({ untilMs }) => untilMs >= Date.now())
    for (const revocation of all) {
      const { of, name, atMs, untilMs, by = 'somebody' } = revocation
      const line = `${of} ${name}  revoked ${new Date(atMs).toISOString()} by ${by}, kept until ${new Date(untilMs).toISOString()}`
      console.log(flags.json ? JSON.stringify(revocation) : line)
    }
    if (all.length === 0 && !flags.json) console.log(`nothing is revoked in ${open.directory.topic}`)
  })
  return command.addCommand(revoking).addCommand(listing)
}
