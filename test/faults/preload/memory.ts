/**
 * Loaded into a real node before its own code: every ten seconds it collects all garbage and says what is left. Resident
 * memory says little of leaks: V8 gives back late, and keeps more the longer a process has run.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

const INTERVAL_MS = 10_000

if (isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setInterval(() => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    const line = { level: 'debug', code: 'memory_held', msg: 'after a full collection', bytes: heapUsed + external }
    process.stderr.write(`${JSON.stringify(line)}\n`)
  }, INTERVAL_MS).unref()
}
