import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import type { EventsAnswer, Topology } from '@pulsewire/server'
import { largeTopology, topology, topologyFeed, topologyNode } from '../../../../test/support/topologies.ts'
import { formatTime } from '../watch/format.ts'
import { status, watchStatus } from './status.ts'
import { ranges, statusTable } from './table.ts'

const AT_MS = topology([]).atMs
const SHOWN: Topology = topology(
  [
    topologyNode('gw-2', {
      handedOut: false,
      load: { sessions: 0, sessionsMax: 100, busy: 0.5 },
      reasons: [{ code: 'offline', message: 'an operator took \u001b[2J it offline', sinceMs: AT_MS - 3000 }],
      links: [
        { node: 'push-a1', line: 'A', state: 'open', pulseAgeMs: 120 },
        { node: 'push-b1', line: 'B', state: 'waiting', pulseAgeMs: 3000 },
      ],
    }),
    topologyNode('gw-1', { load: { sessions: 1200, sessionsMax: 50_000, busy: 0.02 }, vitals: null }),
    topologyNode('push-a1', {
      role: 'push',
      line: 'A',
      feeds: [{ feed: 'quote', generation: 1, topic: 'quotes', partitions: [0, 1, 2, 5], pulseAgeMs: 80 }],
      fault: 'stage intake quote is past its deadline',
    }),
    topologyNode('pulse-1', { role: 'pulse' }),
  ],
  { feeds: [topologyFeed('quote', { next: { generation: 2, topic: 'quotes-v2' } })] },
)

describe('pulsewire status', () => {
  it('shows the feeds of zones with a log of their own, and of which of them not all is known', () => {
    const zone = (name: string, state: Topology['view']['state']) => ({
      zone: name,
      view: { state, sinceMs: AT_MS - 4000 },
      feeds: [topologyFeed('quote', { topic: `quotes-${name}`, generation: 7 })],
    })
    const shown = statusTable(topology([], { otherZones: [zone('b', 'current'), zone('c', 'degraded')] }), [], { colour: false })
    assert.match(shown, /^zone c: its directory is degraded for 4\.0 s$/m)
    assert.doesNotMatch(shown, /zone b: its directory/)
    for (const name of ['b', 'c']) assert.match(shown, new RegExp(`quote \\(zone ${name}\\) +quotes-${name} +7`))
  })

  it('shows the flow from feeds to gateways, and below each what is wrong', () => {
    const events = [
      { id: 4, atMs: AT_MS - 2000, kind: 'word', tone: 'plain', node: 'gw-2', message: 'an operator says of gw-2: offline' },
    ] as const
    const lines = statusTable(SHOWN, events, { colour: false })
      .split('\n')
      .map((line) => line.trim().replaceAll(/ {2,}/g, ' | '))
    assert.deepEqual(lines, [
      `4 nodes, 1200 clients, as lb-1 knows them at ${formatTime(AT_MS)}; 1 not used`,
      '',
      'Feeds',
      'feed | topic | generation | partitions | pulse',
      'quote | quotes | 1 | 4 | 300 ms',
      'moves to quotes-v2, generation 2',
      '',
      'Push nodes, line A',
      'node | used | partitions | pulse | receivers | busy | loop | memory | up',
      'push-a1 0.1.0 | yes | quote 0-2 5 | 80 ms | 0 | 2 % | 2 ms | 90 MiB | 1 min',
      'stage intake quote is past its deadline',
      '',
      'Gateways',
      'node | used | clients | proof | links | busy | loop | memory | up',
      'gw-1 0.1.0 | yes | 1200/50000 | none | 2 %',
      'gw-2 0.1.0 | no | 0/100 | none | A push-a1 120 ms, B push-b1 waiting | 50 % | 2 ms | 90 MiB | 1 min',
      'offline (3.0 s): an operator took \\x1b[2J it offline',
      '',
      'Pulse writers and balancers',
      'node | used | role | busy | loop | memory | up',
      'pulse-1 0.1.0 | yes | pulse writer | 2 % | 2 ms | 90 MiB | 1 min',
      '',
      'Newest events',
      `${formatTime(AT_MS - 2000)} | an operator says of gw-2: offline`,
    ])
    assert.equal(ranges([7, 3, 0, 1, 2]), '0-3 7')
    assert.equal(ranges([]), 'none')
  })

  it('of very many nodes tells briefly what is the matter, and of many links what each line has', () => {
    const { nodes, ...rest } = largeTopology(300, 200)
    const sick = nodes.map((node) =>
      node.node === 'gw-101'
        ? {
            ...node,
            handedOut: false,
            links: node.links.map((one) => (one.node === 'push-33' ? { ...one, state: 'waiting' as const } : one)),
          }
        : node,
    )
    const shown = { ...rest, nodes: sick }
    const lines = statusTable(shown, [], { colour: false, brief: true }).split('\n')
    assert.ok(lines.length < 40, `${lines.length} lines`)
    assert.ok(Math.max(...lines.map((line) => line.length)) < 160)
    const gateway = lines.findIndex((line) => line.startsWith('  gw-101'))
    assert.match(lines[gateway]!, /no +8101\/50000 .*A 20 open 300 ms, B 19 open 300 ms, 1 lost \(push-33\)/)
    assert.match(lines[gateway + 1]!, /^ {2}… 156 more as they should be$/)
    assert.ok(statusTable(shown, [], { colour: false }).split('\n').length > 200)
  })

  it('asks a balancer, again and again until it is told to stop, and stays when the balancer is away', async () => {
    const answer: EventsAnswer = { balancer: 'lb-1', startedAtMs: 0, atMs: AT_MS, events: [], last: 0 }
    let shown = SHOWN
    const server = createServer((request, response) => {
      response.end(JSON.stringify(request.url === '/v1/topology' ? shown : answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    assert.deepEqual(JSON.parse(await status({ url, json: true, colour: false })), SHOWN)
    const drawnIn = (rows: number) => status({ url, json: false, colour: false, room: { rows, columns: 80 } })
    shown = largeTopology(300, 60)
    assert.match(await drawnIn(200), /gw-16 0\.1\.0 +yes/)
    assert.match(await drawnIn(40), /… 17 more as they should be/)
    shown = SHOWN
    const screen = new PassThrough({ encoding: 'utf8' })
    const stop = new AbortController()
    const watching = watchStatus({ url, json: false, colour: false }, screen, stop.signal)
    let drawn = ''
    screen.on('data', (text: string) => (drawn += text))
    while (!drawn.includes('push-a1')) await once(screen, 'data')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    while (!drawn.includes('no balancer answers')) await once(screen, 'data')
    stop.abort()
    await watching
    await assert.rejects(status({ url, json: true, colour: false }), { code: 'balancer_unreachable' })
  })
})
