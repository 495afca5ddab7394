import { Command, InvalidArgumentError } from 'commander'
import { createLogger, runProcess } from '@pulsewire/server'

interface DemoFlags {
  readonly port?: number
  readonly symbols?: number
  readonly rate?: number
  readonly seed?: number
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('the whole of it on this machine: two push nodes, two gateways, a balancer, a market and the console, without Kafka')
    .option('--port <port>', 'port of the console', whole)
    .option('--symbols <n>', 'symbols of the market', whole)
    .option('--rate <rate>', 'quotes per second', whole)
    .option('--seed <n>', 'seed of the market', whole)
    .action(async ({ port, symbols, rate, seed }: DemoFlags) => {
      const { Demo } = await import('../demo/index.ts')
      const logger = createLogger({ level: 'info', format: 'pretty' })
      const demo = new Demo({
        logger,
        ...(port === undefined ? {} : { consolePort: port }),
        ...(symbols === undefined ? {} : { symbols }),
        ...(rate === undefined ? {} : { ratePerSecond: rate }),
        ...(seed === undefined ? {} : { seed }),
      })
      const onReady = (): void => console.log(welcome(demo.url, demo.gateways))
      await runProcess([{ name: 'demo', service: demo }], { logger, onReady })
    })
}

function welcome(url: string, gateways: readonly string[]): string {
  return `
  Open:         ${url}        the installation, the quote board, and eight ways to break it
  Gateways:     ${gateways.join('  ')}

  From a second terminal:
    npx pulsewire watch AAPL.US 0700.HK ${gateways.map((gateway) => `--url ${gateway}`).join(' ')}

  Each node is a process of its own (ps shows them): freeze one, there or with kill -STOP, and see that nobody notices.
  Ctrl-C ends the demo.
`
}

function whole(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It is a whole number.')
  return number
}
