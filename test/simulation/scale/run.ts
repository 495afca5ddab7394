/**
 * `npm run scale`: a fleet of a thousand gateways in virtual time, with the real judgement, hand-out, rows, leases and
 * connectors; what came of it, and what it cost. Exits with 1 when it does not keep what it promises.
 *
 *   npm run scale                                1,000 gateways, 10 million clients; some minutes, 1.5 GB
 *   npm run scale -- --gateways 60 --seed 2      smaller
 *   npm run scale -- --answers 10000             what one balancer answers in a second
 */
import { parseArgs } from 'node:util'
import { inOwnTurn } from '../world/microtasks.ts'
import { brokenBounds } from './bounds.ts'
import { LARGE } from './sizes.ts'
import { playScale } from './story.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    gateways: { type: 'string', default: String(LARGE.gateways) },
    balancers: { type: 'string', default: String(LARGE.balancersPerZone) },
    answers: { type: 'string' },
  },
})
const gateways = Number(values.gateways)
const options = {
  ...LARGE,
  seed: Number(values.seed),
  gateways,
  balancersPerZone: Number(values.balancers),
  answersPerSecond: Number(values.answers ?? (LARGE.answersPerSecond * gateways) / LARGE.gateways),
}
const startMs = performance.now()
const report = await inOwnTurn(() => playScale(options))
console.log(JSON.stringify(report, null, 2))
const broken = brokenBounds(report, gateways)
for (const text of broken) console.log(`broken: ${text}`)
console.log(
  `seed ${values.seed}, ${((performance.now() - startMs) / 1000).toFixed(0)} s, ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
)
process.exitCode = broken.length === 0 ? 0 : 1
