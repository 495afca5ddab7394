import { Command, InvalidArgumentError } from 'commander'
import { feedReaders } from '@pulsewire/server'
import { mustBeKnown } from '../feeds/catalogue.ts'
import { migrate } from '../feeds/migrate.ts'
import { feedDetails, feedsTable, type FeedView } from '../feeds/show.ts'
import { type DirectoryFlags, type OpenDirectory, openDirectoryOf, whenCurrent } from '../nodes/open.ts'
import { operatorOf, type SpeakerFlags, withSpeaker } from '../nodes/operator.ts'
import { withDirectory } from './directory-flags.ts'

type MoveFlags = DirectoryFlags & SpeakerFlags & { readonly force: boolean; readonly timeout: number }

export function feedCommand(): Command {
  const feed = new Command('feed').description('see where feeds are, and move one to another topic or cluster while it is served')
  const list = withDirectory(new Command('list').description('list the feeds, with generation, topic and state')).option(
    '--json',
    'one JSON object per feed',
    false,
  )
  list.action(async (flags: DirectoryFlags & { readonly json: boolean }) => {
    await using open = await openDirectoryOf(flags)
    await whenCurrent(open)
    const views = feedNames(open).map((name) => viewOf(open, name))
    if (flags.json) for (const view of views) console.log(JSON.stringify(view))
    else
      console.log(views.length === 0 ? `no feed is in ${open.directory.topic}, and no node that has a lease reads one` : feedsTable(views))
  })
  const show = withDirectory(new Command('show').description('where a feed stands, who reads what, and who was left behind'))
    .argument('<feed>')
    .option('--json', 'one JSON object', false)
  show.action(async (name: string, flags: DirectoryFlags & { readonly json: boolean }) => {
    await using open = await openDirectoryOf(flags)
    await whenCurrent(open)
    const view = viewOf(open, name)
    mustBeKnown(open, name, view.readers)
    console.log(flags.json ? JSON.stringify(view) : feedDetails(view))
  })
  const moving = withMoving(
    new Command('migrate').description('move a feed to another topic or cluster; run again, it goes on where it was ended'),
  )
    .requiredOption('--topic <topic>', 'topic that the feed is to be on')
    .option('--to-brokers <list>', 'brokers of the cluster that has the topic, comma-separated; default: log.brokers of the nodes')
  moving.action(async (name: string, flags: MoveFlags & { readonly topic: string; readonly toBrokers?: string }) => {
    await move(name, { topic: flags.topic, ...(flags.toBrokers === undefined ? {} : { brokers: flags.toBrokers.split(',') }) }, flags)
  })
  const back = withMoving(
    new Command('rollback').description('undo a migration: give it up before the switch, or move the feed back to where it was'),
  )
  back.action(async (name: string, flags: MoveFlags) => await move(name, 'rollback', flags))
  for (const command of [list, show, moving, back]) feed.addCommand(command)
  return feed
}

async function move(feed: string, to: Parameters<typeof migrate>[1]['to'], flags: MoveFlags): Promise<void> {
  await using open = await openDirectoryOf(flags)
  await whenCurrent(open)
  await migrate(open, {
    feed,
    to,
    force: flags.force,
    timeoutMs: flags.timeout * 1000,
    print: (line) => console.log(line),
    by: operatorOf(flags),
  })
}

function feedNames({ directory }: OpenDirectory): string[] {
  const leased = [...directory.nodes.values()].flatMap(({ lease }) => lease.feeds.map(({ feed }) => feed))
  return [...new Set([...directory.feeds.keys(), ...leased])].sort()
}

function viewOf({ directory }: OpenDirectory, feed: string): FeedView {
  return { feed, catalogued: directory.feeds.get(feed) ?? null, readers: feedReaders(directory, feed) }
}

function withMoving(command: Command): Command {
  return withSpeaker(withDirectory(command))
    .argument('<feed>')
    .option('--force', 'move although preflight fails, or only one line is there', false)
    .option('--timeout <seconds>', 'longest wait for nodes to do their part', seconds, 120)
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('a number of seconds above 0')
  return value
}
