/** All rows of the table of faults. */
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultCase } from './rig/fault-case.ts'

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
