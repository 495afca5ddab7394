/** Two versions side by side on every hop of real processes, changed one node at a time by the command, and no client notices. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ControlDirectory, silentLogger } from '@pulsewire/server'
import { Crowd } from '../faults/rig/crowd.ts'
import { FaultRun } from '../faults/rig/fault-run.ts'
import type { FaultNode } from '../faults/rig/node.ts'
import { preloaded, preloadedArgs } from '../faults/rig/preload.ts'
import { SharedKafka } from '../faults/rig/shared-kafka.ts'
import { PulsewireCommand } from '../support/pulsewire-command.ts'

const NEXT = preloaded('next-version')
const NEXT_VERSION = '99.0.0'
const DEADLINE_MS = 30_000
/** Clients of the next version, beside those of this one. */
const NEXT_CLIENTS = 12
/** What a node says when it cannot make anything of another. */
const COMPLAINT = /\b400[04]\b|wrong shape|unknown_frame/

let shared: SharedKafka
let run: FaultRun
let directory: ControlDirectory

before(async () => {
  shared = await SharedKafka.start()
  run = new FaultRun(shared, { balancers: 1 })
  await run.start()
  const { controlTopic: topic } = run.installation
  directory = new ControlDirectory({ log: shared.log, topic, lifeMs: 3000, logger: silentLogger, tidies: false })
  await directory.start()
})

after(async () => {
  await directory?.close()
  await run?.[Symbol.asyncDispose]()
  await shared?.[Symbol.asyncDispose]()
})

function say(word: 'drain' | 'online', { id }: FaultNode): Promise<string> {
  const { brokers } = shared.kafka
  const { controlTopic } = run.installation
  return new PulsewireCommand(['node', word, id, '--brokers', brokers.join(','), '--set', `directory.topic=${controlTopic}`]).ends()
}

const leaseOf = ({ id }: FaultNode) => directory.nodes.get(id)?.lease

/** As docs/upgrade.md says. `env` is what makes the version. */
async function change(node: FaultNode, env: Readonly<Record<string, string>> | undefined, version: string): Promise<void> {
  await say('drain', node)
  await run.until(() => leaseOf(node)?.draining === true || node.role === 'pulse', `${node.id} drains`, DEADLINE_MS)
  await run.until(() => leaseOf(node)?.load.sessions === 0, `${node.id} is empty`, DEADLINE_MS)
  assert.equal(await node.terminate(), 0, node.id)
  await say('online', node)
  const backAtMs = run.nowMs
  await node.start(env ?? {})
  await run.until(
    () => leaseOf(node)?.version === version && directory.nodes.get(node.id)?.state === 'live' && leaseOf(node)?.ready === true,
    `${node.id} is back with ${version}`,
    DEADLINE_MS,
  )
  const { gateways } = run.installation
  const openAgain = ({ msg, code }: { readonly msg: string; readonly code: string }) => code === 'link_open' && msg.includes(node.id)
  if (node.role === 'push')
    await Promise.all(gateways.map((gateway) => gateway.saidWithinMs((line) => line.receivedAtMs >= backAtMs && openAgain(line), 0)))
  if (node.role === 'gateway') await run.untilHandedOut((names) => names.includes(node.id), `${node.id} is handed out`, DEADLINE_MS)
  // Until everything that it is to have has come, the next one may not go.
  await run.pass(2_000)
}

test('every node is changed for one of the next version, one of them back again, and no client of either version misses or doubts anything', async (t) => {
  const { pulses, pushNodes, gateways, balancers } = run.installation
  const crowd = run.own(
    new Crowd(
      {
        clients: NEXT_CLIENTS,
        balancer: balancers.map(({ port }) => `http://127.0.0.1:${port}`),
        symbols: run.symbols.quote,
        encodings: ['bin', 'bin', 'json'],
        perSecond: 20,
      },
      1,
      preloadedArgs('next-client'),
    ),
  )
  while ((await crowd.report()).live < NEXT_CLIENTS) await run.pass(100)
  await crowd.mark('')
  const isKnown = (node: FaultNode) => directory.nodes.get(node.id)?.state === 'live'
  await run.until(() => run.installation.nodes.every(isKnown), 'every lease is read', DEADLINE_MS)
  const version = leaseOf(gateways[0]!)!.version
  const atMs = run.nowMs
  // What only later versions know lies in the control topic as well.
  await shared.log.append(run.installation.controlTopic, [
    { key: 'later/gw-1', value: '{"v":1}' },
    { key: 'word/gw-1', value: '{"v":2,"word":"offline"}' },
  ])
  const versions = () => [...new Set([...directory.nodes.values()].map(({ lease }) => lease.version))].sort()
  for (const node of [...pushNodes, ...gateways, ...balancers]) {
    await change(node, NEXT, NEXT_VERSION)
    assert.deepEqual(versions(), [version, NEXT_VERSION].sort(), 'both are there')
  }
  for (const node of pulses) await change(node, NEXT, NEXT_VERSION)
  assert.deepEqual(versions(), [NEXT_VERSION])
  // Rolled back: what the next version wrote is read by the one before.
  for (const node of [pushNodes[0]!, gateways[1]!]) await change(node, undefined, version)
  const findings = await run.finish()
  const complaints = run.installation.nodes.flatMap((node) =>
    node.lines.filter(({ level, msg }) => level === 'error' || COMPLAINT.test(msg)),
  )
  assert.deepEqual(
    complaints.map(({ code, msg }) => `${code}: ${msg}`),
    [],
  )
  assert.deepEqual(findings.slice(0, 5), [], `${findings.length} findings; the recorder stood still for ${run.longestStallMs} ms`)
  assert.equal(run.liveWithinMs(atMs), 0)
  const { live, struck, refusedTwice, errors } = await crowd.report()
  assert.deepEqual([live, struck, refusedTwice], [NEXT_CLIENTS, 0, []])
  // Each of their sessions said something that no node knows, of whichever version, and went on.
  assert.deepEqual(Object.keys(errors), ['unknown_frame: no frame is called "later"'])
  assert.ok(Object.values(errors)[0]! > NEXT_CLIENTS, JSON.stringify(errors))
  t.diagnostic(`${run.movesSince(atMs)} moves of ${run.clients.length} clients in ${Math.round((run.nowMs - atMs) / 1000)} s`)
})
