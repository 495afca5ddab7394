/**
 * What a balancer's work costs as gateways grow in number: `node bench/balancer.ts [--gateways 10,100,1000]`. Probes, verdicts
 * and hand-out are the real ones, gateways are in memory. Compare the ratios: absolute figures are this machine's.
 */
import { parseArgs } from 'node:util'
import { startBalancer } from '../packages/server/src/balancer/test-support/balancer-world.ts'

const ZONES = ['z1', 'z2', 'z3']
/** Until every probe has heard. */
const WARM_UP_MS = 2500
const ANSWERS = 3000
const JUDGEMENTS = 40

interface Costs {
  readonly gateways: number
  /** Of one answer to a client that says its zone, in µs. */
  readonly answerUs: number
  /** Of judging all nodes once, in ms. */
  readonly judgementMs: number
}

async function measure(gateways: number): Promise<Costs> {
  const nodes = Array.from({ length: gateways }, (_, i) => `gw-${i + 1}`)
  await using world = await startBalancer(nodes)
  const load = { sessions: 5000, sessionsMax: 10_000, busy: 0.3 }
  nodes.forEach((node, i) => {
    world.directory.beat(node, { zone: ZONES[i % ZONES.length]!, load })
  })
  world.clock.advance(WARM_UP_MS)
  for (const node of nodes) world.directory.beat(node)
  world.clock.advance(20)
  if (world.nodes().length === 0) throw new Error('no gateway is proven: there is nothing to measure')
  const answer = (i: number) => world.balancer.api.gateways({ track: 'stable', zone: ZONES[i % ZONES.length]! })
  return {
    gateways,
    answerUs: time(ANSWERS, answer) * 1000,
    // Each at its own moment, so that none is left out because one was just made.
    judgementMs: time(JUDGEMENTS, () => {
      world.clock.spend(100)
      world.balancer.judgeNow()
    }),
  }
}

/** Mean time of one call in ms, after a third of the calls to warm up. */
function time(calls: number, call: (i: number) => unknown): number {
  for (let i = 0; i < calls / 3; i++) call(i)
  const startMs = performance.now()
  for (let i = 0; i < calls; i++) call(i)
  return (performance.now() - startMs) / calls
}

const { values } = parseArgs({ options: { gateways: { type: 'string', default: '10,100,1000' } } })
const costs: Costs[] = []
for (const gateways of values.gateways.split(',')) costs.push(await measure(Number(gateways)))
const [first] = costs
console.log('gateways   µs per answer   × first   ms per judgement   × first')
for (const { gateways, answerUs, judgementMs } of costs) {
  const cells = [
    answerUs.toFixed(1),
    (answerUs / first!.answerUs).toFixed(1),
    judgementMs.toFixed(2),
    (judgementMs / first!.judgementMs).toFixed(1),
  ]
  console.log(
    [String(gateways).padStart(8), cells[0]!.padStart(16), cells[1]!.padStart(10), cells[2]!.padStart(19), cells[3]!.padStart(10)].join(''),
  )
}
