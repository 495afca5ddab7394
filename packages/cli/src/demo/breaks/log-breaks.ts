/** What is done in the log: it goes away, an operator says a word, a feed moves and one node stays behind. */
import { type EmbeddedLog, sayWord, systemClock } from '@pulsewire/server'
import { migrate } from '../../feeds/migrate.ts'
import { CONTROL_TOPIC, lookInto } from '../onlooker.ts'
import type { MarketPump } from '../market-pump.ts'
import { DEMO_PARTITIONS } from '../topology.ts'
import { BreakRefused, type Break } from './break.ts'
import type { NodesOfDemo } from './process-breaks.ts'
import type { Story } from './story.ts'

const HEALS_AFTER_MS = 120_000
const MIGRATION_MS_MAX = 45_000
const FEED = 'quote'

export function stopLog(log: EmbeddedLog, story: Story): Break {
  return {
    id: 'log',
    title: 'Stop Kafka',
    does: 'The embedded log: no quotes, no pulses, no leases.',
    watch: 'Everything is stale, and says since when and why. Nothing is torn down.',
    targets: ['the log'],
    act: 'Stop',
    undo: 'Start',
    healsAfterMs: HEALS_AFTER_MS,
    async begin() {
      log.setReachable(false)
      story.tell('the log is stopped')
      return {
        end: () => {
          log.setReachable(true)
          story.tell('the log is back')
        },
      }
    },
  }
}

export function takeOffline(log: EmbeddedLog, nodes: NodesOfDemo): Break {
  return {
    id: 'offline',
    title: 'Take a gateway offline',
    does: 'An operator’s word, in the log.',
    watch: 'Within 3 s it is handed out no more, and its clients are on the other one.',
    targets: nodes.all('gateway'),
    act: 'Offline',
    undo: 'Online',
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      await say(log, target, 'offline')
      return { end: () => say(log, target, 'online') }
    },
  }
}

async function say(log: EmbeddedLog, target: string, word: 'offline' | 'online'): Promise<void> {
  try {
    await sayWord(log, CONTROL_TOPIC, target, word, systemClock.nowMs(), 'the demo')
  } catch (error) {
    throw new BreakRefused(`the word cannot be written: ${(error as Error).message}`)
  }
}

export function pinToOldTopic(log: EmbeddedLog, nodes: NodesOfDemo, pump: MarketPump, story: Story): Break {
  return {
    id: 'pin',
    title: 'Leave a node behind',
    does: 'The feed moves, it stays on the old topic.',
    watch: 'It runs, answers, and hears no pulse any more: it is evicted by name, and the line beside it covers.',
    targets: nodes.all('push').toReversed(),
    act: 'Pin',
    undo: 'Unpin',
    healsAfterMs: HEALS_AFTER_MS,
    async begin(target) {
      const node = nodes.of(target)
      const unpin = async () => {
        story.tell(`${target} is started anew, and follows the catalogue again`, 'plain', target)
        await node.restart(null)
      }
      const open = await lookInto(log)
      const { directory } = open
      try {
        const { topic: from, generation } = directory.feeds.get(FEED)?.current ?? { topic: pump.quoteTopic, generation: 1 }
        const topic = `quotes-v${generation + 1}`
        await log.createTopic(topic, { partitions: DEMO_PARTITIONS })
        story.tell(`feed ${FEED} is being moved to topic ${topic}`)
        pump.alsoInto(topic)
        await migrate(open, { feed: FEED, to: { topic }, force: true, timeoutMs: MIGRATION_MS_MAX, print: () => {}, by: 'the demo' })
        pump.onlyInto(topic)
        story.tell(`${target} is started anew as it was months ago, pinned to topic ${from}`, 'plain', target)
        const pinned = { name: FEED, mode: 'latest', topic: from, generation, pinned: true }
        await node.restart(pinned)
      } catch (error) {
        throw new BreakRefused((error as Error).message)
      } finally {
        await open[Symbol.asyncDispose]()
      }
      return { end: unpin }
    },
  }
}
