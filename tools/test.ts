/**
 * `npm test`: every test, or some.
 *
 *   npm test                        unit, integration, fault, simulation and browser tests
 *   npm test -- --unit              only the tests beside the code: no Kafka, no browser
 *   npm test -- --only 'test/integration/log*'
 */
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { prepareFor } from './test-preparation.ts'
import { type Counts, report } from './test-report.ts'

const UNIT = ['packages/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts']
const ALL = [...UNIT, 'test/**/*.test.ts']
const NODE_MAJOR = 26
/** One file that takes longer hangs. */
const FILE_TIMEOUT_MS = 300_000
/** Files that run at once. Most wait for timers and sockets; more of them than this would only miss their deadlines. */
const CONCURRENCY = 2
/**
 * They hold whole installations to bounds in seconds: beside other files, a row would judge those and not the fault. A node
 * whose heap is taken stands still, and is left by its gateway where that takes 4 s.
 */
const ALONE = /^test\/faults\/|^test\/browser\/(demo|installation)\.|^test\/integration\/(debug|feed-migration|rolling-change|stories)\./

const root = join(import.meta.dirname, '..')

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { unit: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } })
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
    console.error(`Tests run on Node ${NODE_MAJOR}, which npm installs here; this is ${process.version}. Use: npm ci && npm test`)
    return 1
  }
  const names = await find(values.only ?? (values.unit ? UNIT : ALL))
  if (names.length === 0) {
    console.error('No test file matches.')
    return 1
  }
  await prepareFor(root, names)
  const startedMs = performance.now()
  // Tests start hundreds of processes, and half of what each takes to start is compiling the same sources.
  process.env['NODE_COMPILE_CACHE'] ??= join(root, '.cache/compile')
  // The tests' own processes must not take themselves for part of this run.
  delete process.env['NODE_TEST_CONTEXT']
  const alone = names.filter((name) => ALONE.test(name))
  const together = names.filter((name) => !ALONE.test(name))
  const counts = sum(await runFiles(together, CONCURRENCY), await runFiles(alone, 1))
  console.log(summary(counts, names.length, performance.now() - startedMs))
  return counts.failed + counts.cancelled > 0 || counts.passed === 0 ? 1 : 0
}

async function runFiles(names: readonly string[], concurrency: number): Promise<Counts> {
  const files = names.map((name) => join(root, name))
  return report(run({ files, cwd: root, concurrency, timeout: FILE_TIMEOUT_MS }), root, files)
}

function sum(a: Counts, b: Counts): Counts {
  const { passed, failed, cancelled, skipped, todo } = b
  return {
    passed: a.passed + passed,
    failed: a.failed + failed,
    cancelled: a.cancelled + cancelled,
    skipped: a.skipped + skipped,
    todo: a.todo + todo,
  }
}

async function find(patterns: readonly string[]): Promise<string[]> {
  const files = new Set<string>()
  for await (const file of glob([...patterns], { cwd: root, exclude: ['**/node_modules/**'] })) files.add(file)
  return [...files].filter((file) => /\.test\.tsx?$/.test(file)).sort()
}

/**
 * The counts as `node --test` prints them, and once more alone on the last line, the same for every run: so that
 * whatever reads the output finds them.
 */
function summary(counts: Counts, files: number, tookMs: number): string {
  const { passed, failed, cancelled, skipped, todo } = counts
  const all = { tests: passed + failed + cancelled + skipped + todo, pass: passed, fail: failed, cancelled, skipped, todo }
  const lines = Object.entries(all).map(([name, count]) => `ℹ ${name} ${count}`)
  return `\n${files} files in ${(tookMs / 1000).toFixed(0)} s\n${lines.join('\n')}\n${passed} passed, ${failed + cancelled} failed`
}

process.exit(
  await main().catch((error: Error) => {
    console.error(error.message)
    return 1
  }),
)
