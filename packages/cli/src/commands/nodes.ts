import { Command } from 'commander'
import { type NodeWord, systemClock } from '@pulsewire/server'
import { type DirectoryFlags, openDirectoryOf, whenCurrent } from '../nodes/open.ts'
import { operatorOf, type SpeakerFlags, withSpeaker } from '../nodes/operator.ts'
import { say } from '../nodes/say.ts'
import { nodesTable } from '../nodes/table.ts'
import { withDirectory } from './directory-flags.ts'

const WORDS: Readonly<Record<string, { readonly word: NodeWord; readonly what: string; readonly effect: string }>> = {
  offline: {
    word: 'offline',
    what: 'take a node out: nobody is sent to it or believes it, its receivers move and the last are cut',
    effect: 'is taken out now and stays out, restarts included, until `pulsewire node online`',
  },
  drain: {
    word: 'draining',
    what: 'let a node empty itself: nobody new is sent to it, its receivers are asked to move',
    effect: 'is emptied now and takes nobody new, restarts included, until `pulsewire node online`',
  },
  online: { word: 'online', what: 'put a node back', effect: 'is back as soon as it is ready' },
}

export function nodeCommands(): Command[] {
  const node = new Command('node').description("say an operator's word on a node; it takes effect within 3 s")
  for (const [name, { word, what, effect }] of Object.entries(WORDS)) {
    const command = new Command(name).description(what).argument('<id>', 'its name, as in `pulsewire nodes`')
    withSpeaker(withDirectory(command))
      .option('--force', 'say it of a node that nobody knows yet', false)
      .action(async (id: string, flags: DirectoryFlags & SpeakerFlags & { readonly force: boolean }) => {
        await using open = await openDirectoryOf(flags)
        await say(open, id, word, { force: flags.force, by: operatorOf(flags) })
        console.log(`${id} ${effect}`)
      })
    node.addCommand(command)
  }
  const nodes = withDirectory(new Command('nodes').description('list the nodes that have a lease, and what is said of them'))
    .option('--json', 'one JSON object per node', false)
    .action(list)
  return [node, nodes]
}

async function list(flags: DirectoryFlags & { readonly json: boolean }): Promise<void> {
  await using open = await openDirectoryOf(flags)
  const { directory } = open
  await whenCurrent(open)
  const known = [...directory.nodes.values()]
  const nowMs = systemClock.nowMs()
  if (flags.json) {
    for (const node of known) console.log(JSON.stringify({ ...node, ageMs: Math.round(nowMs - node.heardAtMs) }))
    return
  }
  console.log(known.length === 0 ? `no node has a lease in ${directory.topic}` : nodesTable(known, nowMs))
  if (directory.view !== 'current')
    console.log(`nobody beats: ${directory.trouble ?? 'is anything running, with directory.enabled: true?'}`)
}
