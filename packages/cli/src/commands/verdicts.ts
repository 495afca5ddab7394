import { Command } from 'commander'
import { fetchVerdicts } from '../verdicts/fetch.ts'
import { verdictsTable } from '../verdicts/table.ts'

const DEFAULT_URL = 'http://127.0.0.1:8070'

export function verdictsCommand(): Command {
  return new Command('verdicts')
    .description('why each node is, or is not, handed out, as a balancer sees it')
    .option('-u, --url <address>', 'balancer', DEFAULT_URL)
    .option('--json', 'the answer as it is', false)
    .action(async ({ url, json }: { readonly url: string; readonly json: boolean }) => {
      const answer = await fetchVerdicts(url)
      console.log(
        json ? JSON.stringify(answer, null, 2) : verdictsTable(answer, { colour: process.stdout.isTTY && !process.env['NO_COLOR'] }),
      )
    })
}
