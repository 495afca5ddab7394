import { setTimeout as delay } from 'node:timers/promises'
import { PulsewireClient, type Subscription } from '@pulsewire/client'
import type { Check } from '../../doctor/check.ts'
import type { Demo } from '../demo.ts'
import { DEMO_NODES } from '../topology.ts'
import type { StoryScript } from './stories.ts'

/** The user whose quotes the story is about. */
const USER = 'jo'
const PUSH_NODES = DEMO_NODES.filter((id) => id.startsWith('push-')).length
const LOOK_EVERY_MS = 100
const LIVE_MS_MAX = 60_000
/** What was done shows within seconds; a crowded machine gets more. */
const ANSWER_MS_MAX = 45_000
/** Nodes answer so many questions a second and no more. */
const ASK_EVERY_MS = 500
/** So many different answers are told of one that did not come. */
const HEARD_MAX = 20

export interface StoryVerdict {
  readonly code: string
  readonly hop: string
  readonly sentence: string
  readonly remedy: string
  /** From what was done to the answer. */
  readonly tookMs: number
  /** Times that the user's quotes were said to be stale meanwhile. */
  readonly staleTimes: number
}

/** What was broken was not found, or there was nothing well to break. */
export class NoVerdict extends Error {
  override readonly name = 'NoVerdict'
}

export type Tell = (text: string) => void

/**
 * Plays one story to a demo that runs, and undoes it.
 * @returns the verdict; `null`: `signal` ended it.
 * @throws NoVerdict the right one did not come in time, or the demo was not well before; says what came.
 */
export async function play(demo: Demo, story: StoryScript, tell: Tell, signal?: AbortSignal): Promise<StoryVerdict | null> {
  const [symbol] = demo.symbols
  const client = new PulsewireClient({ url: [...demo.gateways], user: USER, name: 'story' })
  let staleTimes = 0
  try {
    const quotes: Subscription = client.subscribe(
      { feed: 'quote', symbols: [symbol!] },
      { onState: () => void (quotes.state.state === 'live' || staleTimes++) },
    )
    const isLive = await until(() => quotes.state.state === 'live' && quotes.get(symbol!) !== undefined, {
      withinMs: LIVE_MS_MAX,
      everyMs: LOOK_EVERY_MS,
      signal,
    })
    if (!isLive && signal?.aborted !== true)
      throw new NoVerdict(`user ${USER} did not get ${symbol} live within ${LIVE_MS_MAX / 1000} s: ${quotes.state.state}`)
    await allWell(demo, symbol!, signal)
    if (signal?.aborted === true) return null
    staleTimes = 0
    tell(`Then: ${story.past}`)
    tell(`Here: user ${USER} watches ${symbol}, live, on ${client.session?.node}.`)
    const { id, target } = story.breaks
    const what = demo.breaks.states.find((one) => one.id === id)!
    tell(`Now: ${what.title.toLowerCase()}${target === '' ? '' : ` (${target})`}. ${what.does}`)
    await demo.breaks.order(id, true, target === '' ? symbol! : target)
    const sinceMs = performance.now()
    const found = await answer(demo, story, symbol!, signal)
    if (found === null) return null
    const tookMs = performance.now() - sinceMs
    tell(
      `${command(story, symbol!)}, ${(tookMs / 1000).toFixed(1)} s later:\n  ${found.code}${story.asks === 'trace' ? ` at ${found.hop}` : ''}: ${found.sentence}\n  ${found.remedy}`,
    )
    tell(`Users: ${story.users} ${USER} was ${staleTimes === 0 ? 'never' : `${staleTimes} times`} told that the quotes are stale.`)
    return { ...found, tookMs, staleTimes }
  } finally {
    await client.close()
    await demo.breaks.close()
  }
}

/**
 * A story begins where nothing is wrong, on any line.
 * @throws NoVerdict it does not become so
 */
async function allWell(demo: Demo, symbol: string, signal?: AbortSignal): Promise<void> {
  let came = 'no answer'
  const look = async (): Promise<boolean> => {
    const { findings, rows } = await demo.trace({ symbol, feed: 'quote', user: USER })
    const pushNodes = rows.filter(([what]) => what === 'push').length
    const troubles = findings.filter(({ severity }) => severity !== 'well')
    came = [`${pushNodes} of ${PUSH_NODES} push nodes answer`, ...troubles.map(({ sentence }) => sentence)].join('; ')
    return pushNodes === PUSH_NODES && troubles.length === 0
  }
  const failed = (error: Error): boolean => {
    came = error.message
    return false
  }
  const isWell = await until(() => look().catch(failed), { withinMs: LIVE_MS_MAX, everyMs: ASK_EVERY_MS, signal })
  if (!isWell && signal?.aborted !== true)
    throw new NoVerdict(`the demo was not well within ${LIVE_MS_MAX / 1000} s, so no story can begin: ${came}`)
}

function command({ asks }: StoryScript, symbol: string): string {
  return asks === 'trace' ? `pulsewire trace --user ${USER} --symbol ${symbol}` : 'pulsewire doctor'
}

type Answer = Pick<StoryVerdict, 'code' | 'hop' | 'sentence' | 'remedy'>

async function answer(demo: Demo, story: StoryScript, symbol: string, signal?: AbortSignal): Promise<Answer | null> {
  let found: Answer | undefined
  /** The last sentence of each code and place, with how often it came. */
  const heard = new Map<string, { times: number; sentence: string }>()
  const hear = (what: string, sentence: string): void => {
    const before = heard.get(what)
    if (before !== undefined || heard.size < HEARD_MAX) heard.set(what, { times: (before?.times ?? 0) + 1, sentence })
  }
  const ask = async (): Promise<boolean> => {
    const answers =
      story.asks === 'trace' ? (await demo.trace({ symbol, feed: 'quote', user: USER })).findings : answersOf(await demo.doctor())
    found = answers.find(({ code, hop, sentence }) => story.answers.includes(code) && story.names.test(`${hop}: ${sentence}`))
    for (const { code, hop, sentence } of answers) hear(`${code} at ${hop}`, sentence)
    return found !== undefined
  }
  const failed = (error: Error): boolean => {
    hear('no answer', error.message)
    return false
  }
  await until(() => ask().catch(failed), {
    withinMs: ANSWER_MS_MAX,
    everyMs: ASK_EVERY_MS,
    signal,
  })
  if (found !== undefined) return found
  if (signal?.aborted === true) return null
  const came = [...heard].map(([what, { times, sentence }]) => `${times} times ${what}: ${sentence}`).join('\n  ')
  throw new NoVerdict(
    `${command(story, symbol)} did not say ${story.answers.join(' or ')} within ${ANSWER_MS_MAX / 1000} s, but:\n  ${came}`,
  )
}

/** What is wrong, and what is well, by area. */
function answersOf(checks: readonly Check[]): Answer[] {
  return checks.map(({ area, verdict, what, why, todo }) => ({
    code: area,
    hop: verdict,
    sentence: what,
    remedy: todo === undefined ? 'Nothing has to be done.' : `${why}: ${todo}`,
  }))
}

/** Looks again until it is so. @returns whether it came to be, in time. */
async function until(
  condition: () => boolean | Promise<boolean>,
  { withinMs, everyMs, signal }: { readonly withinMs: number; readonly everyMs: number; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  const endMs = performance.now() + withinMs
  while (performance.now() < endMs && signal?.aborted !== true) {
    if (await condition()) return true
    await delay(everyMs)
  }
  return false
}
