import { Command } from 'commander'
import { status, watchStatus } from '../status/status.ts'
import { balancerOption } from './addresses.ts'

interface StatusFlags {
  readonly balancer: string
  readonly watch: boolean
  readonly json: boolean
}

export function statusCommand(): Command {
  return new Command('status')
    .description('feeds, nodes and links with the age of their pulses, what is wrong and why, and what has happened, as a balancer sees it')
    .addOption(balancerOption())
    .option('-w, --watch', 'again each second, until Ctrl-C', false)
    .option('--json', 'the topology as the balancer gives it', false)
    .action(async ({ balancer: url, watch, json }: StatusFlags) => {
      const options = { url, json, colour: process.stdout.isTTY && !process.env['NO_COLOR'] }
      if (!watch) return console.log(await status(options))
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      await watchStatus(options, process.stdout, stop.signal)
    })
}
