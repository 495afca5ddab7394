import { Command, InvalidArgumentError } from 'commander'
import { STORIES, type StoryScript } from '../demo/stories/index.ts'
import { createLogger, runProcess, silentLogger } from '@pulsewire/server'

interface DemoFlags {
  readonly port?: number
  readonly symbols?: number
  readonly rate?: number
  readonly seed?: number
  readonly story?: StoryScript
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('the whole of it on this machine: two push nodes, two gateways, a balancer, a market and the console, without Kafka')
    .option('--port <port>', 'port of the console (default: 8090, or a free one)', whole)
    .option('--symbols <n>', 'symbols of the market (default: 500)', whole)
    .option('--rate <rate>', 'quotes per second (default: 2000)', whole)
    .option('--seed <n>', 'seed of the market (default: drawn)', whole)
    .option('--story <id>', `play one of four failures from production (${STORIES.map(({ id }) => id).join(', ')}), and end`, storyOf)
    .action(async ({ port, symbols, rate, seed, story }: DemoFlags) => {
      const { Demo, DEMO_CLOSE_DEADLINE_MS } = await import('../demo/index.ts')
      if (story !== undefined) return playStory(story)
      const logger = createLogger({ level: 'info', format: 'pretty' })
      const demo = new Demo({
        logger,
        ...(port === undefined ? {} : { consolePort: port }),
        ...(symbols === undefined ? {} : { symbols }),
        ...(rate === undefined ? {} : { ratePerSecond: rate }),
        ...(seed === undefined ? {} : { seed }),
      })
      const onReady = (): void => console.log(welcome(demo))
      await runProcess([{ name: 'demo', service: demo }], { logger, onReady, closeDeadlineMs: DEMO_CLOSE_DEADLINE_MS })
    })
}

/** Plays one story to a demo of its own. @throws NoVerdict */
async function playStory(story: StoryScript): Promise<void> {
  const { Demo, play } = await import('../demo/index.ts')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  console.log(`${story.id}: ${story.title}\n`)
  await using demo = new Demo({ logger: silentLogger, consolePort: null })
  await demo.start(stop.signal)
  await play(demo, story, (text) => console.log(`${text}\n`), stop.signal)
}

interface Welcome {
  readonly url: string
  readonly gateways: readonly string[]
  readonly balancer: string
  readonly secretFile: string
  readonly metricsTargets: readonly string[]
}

function welcome({ url, gateways, balancer, secretFile, metricsTargets }: Welcome): string {
  return `
  Open:         ${url}        the installation, the quote board, and eight ways to break it
  Gateways:     ${gateways.join('  ')}
  Metrics:      ${metricsTargets.map((target) => `http://${target}/metrics`).join('\n                ')}

  From a second terminal:
    export PULSEWIRE_BALANCER=${balancer} PULSEWIRE_OPERATOR_SECRET_FILE=${secretFile}
    npx pulsewire watch AAPL.US 0700.HK ${gateways.map((gateway) => `--url ${gateway}`).join(' ')}
    npx pulsewire status --watch                            what is there, how old its pulses are, what is wrong and why
    npx pulsewire trace --symbol AAPL.US --user console     every hop between the page and the log
    npx pulsewire sessions --user console                   what happened to its sessions
    npx pulsewire debug push-a1 stages                      what a node is doing

  Each node is a process of its own (ps shows them): freeze one, there or with kill -STOP, and see that nobody notices.
  Ctrl-C ends the demo.
`
}

function storyOf(name: string): StoryScript {
  const story = STORIES.find(({ id }) => id === name.toUpperCase())
  if (story === undefined) throw new InvalidArgumentError(`There is ${STORIES.map(({ id }) => id).join(', ')}.`)
  return story
}

function whole(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It is a whole number.')
  return number
}
