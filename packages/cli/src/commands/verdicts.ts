import { Command, Option } from 'commander'
import { fetchVerdicts } from '../verdicts/fetch.ts'
import { verdictsTable } from '../verdicts/table.ts'
import { balancerOption, toBalancer } from './addresses.ts'

export function verdictsCommand(): Command {
  return (
    new Command('verdicts')
      .description('why each node is, or is not, handed out, as a balancer sees it')
      .addOption(balancerOption())
      // As it was called before it was called the same everywhere.
      .addOption(new Option('-u, --url <address>').argParser(toBalancer).hideHelp())
      .option('--json', 'the answer as it is', false)
      .action(async ({ balancer, url = balancer, json }: { readonly balancer: string; readonly url?: string; readonly json: boolean }) => {
        const answer = await fetchVerdicts(url)
        console.log(
          json ? JSON.stringify(answer, null, 2) : verdictsTable(answer, { colour: process.stdout.isTTY && !process.env['NO_COLOR'] }),
        )
      })
  )
}
