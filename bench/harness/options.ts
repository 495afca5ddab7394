/** The command line of the benchmark. */
import { parseArgs } from 'node:util'
import { LOADS, type Load } from './loads.ts'
import type { Peer } from './peers.ts'

export interface Options {
  readonly peers: readonly Peer[]
  readonly loads: readonly Load[]
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly rounds: number
  readonly seed: number
  /** All peers at the same moment, under load B alone. */
  readonly sideBySide: boolean
}

export class UsageError extends Error {}

const FLAGS = {
  peers: { type: 'string' },
  loads: { type: 'string' },
  seconds: { type: 'string', default: '10' },
  'warm-up': { type: 'string', default: '10' },
  rounds: { type: 'string', default: '1' },
  seed: { type: 'string', default: '1' },
  'side-by-side': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

export function usage(peers: readonly Peer[]): string {
  const list = (rows: readonly (readonly [string, string])[]): string =>
    rows.map(([name, text]) => `  ${name.padEnd(22)}${text}`).join('\n')
  return `npm run bench -- [flags]

  --peers a,b       default: all but those on request
  --loads A,B       default: all
  --seconds 10      length of a measured window
  --warm-up 10      seconds before it, in which code is compiled: servers run for weeks
  --rounds 1        how often everything is measured; the median counts, the order of peers alternates
  --side-by-side    load B, all peers at the same moment: for small differences
  --seed 1          of the market and of the choice of symbols

Peers
${list(peers.map((each) => [each.name, each.description]))}

Loads
${list(Object.entries(LOADS))}`
}

/** @throws UsageError that says what is wrong. */
export function readOptions(argv: readonly string[], peers: readonly Peer[]): Options | 'help' {
  const { values } = parse(argv)
  if (values.help) return 'help'
  return {
    peers:
      values.peers === undefined
        ? peers.filter(({ onRequest }) => onRequest !== true)
        : chosen(values.peers, peers, (each) => each.name, 'peer'),
    loads: chosen(values.loads?.toUpperCase(), Object.keys(LOADS) as Load[], (each) => each, 'load'),
    seconds: positive('seconds', values.seconds),
    warmUpSeconds: positive('warm-up', values['warm-up']),
    rounds: positive('rounds', values.rounds),
    seed: positive('seed', values.seed),
    sideBySide: values['side-by-side'],
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function chosen<T>(text: string | undefined, all: readonly T[], nameOf: (each: T) => string, kind: string): readonly T[] {
  if (text === undefined) return all
  return text.split(',').map((name) => {
    const found = all.find((each) => nameOf(each) === name)
    if (found === undefined) throw new UsageError(`no ${kind} is called ${name}; there are ${all.map(nameOf).join(', ')}`)
    return found
  })
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${name} takes a number above 0, not ${text}`)
  return value
}
