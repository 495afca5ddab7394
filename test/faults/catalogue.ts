/** All rows of the table of faults: those that have a case, and those that wait for a part of the product. */
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultCase } from './rig/fault-case.ts'

/** Rows without a case, and what must be there first. */
export const MISSING: ReadonlyMap<number, { readonly name: string; readonly needs: string }> = new Map([
  [11, { name: 'feed moved, an old node left behind', needs: 'leases, the feed catalogue and migration' }],
  [22, { name: 'a zone lost', needs: 'a case of its own with gateways and balancers of two zones' }],
  [24, { name: 'every probe fails at once', needs: 'a case of its own; test/integration/balancer.test.ts shows it' }],
  [27, { name: 'disk full for logs and reports', needs: 'a place in an installation; watchdog.test.ts shows it on one process' }],
  [28, { name: 'memory pressure', needs: 'a place in an installation; watchdog.test.ts shows it on one process' }],
  [30, { name: 'reconnect storm', needs: 'a case of its own with 5,000 clients that are not all in one process' }],
])

/** By number. Each case is a file of its own. */
export async function loadCases(): Promise<FaultCase[]> {
  const cases: FaultCase[] = []
  const folder = join(import.meta.dirname, 'cases')
  for await (const file of glob('*.ts', { cwd: folder })) {
    const { default: definition } = (await import(join(folder, file))) as { readonly default: FaultCase }
    cases.push(definition)
  }
  return cases.sort((a, b) => a.number - b.number)
}
