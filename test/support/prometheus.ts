/** A real Prometheus and its promtool. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { ensureDebianProgram, firstThatRuns, type DebianProgram } from './debian-package.ts'

const PROMETHEUS: DebianProgram = {
  title: 'Prometheus',
  // Its recommendations are services that would be started.
  packages: '--no-install-recommends prometheus',
  neededBy: 'Tests of metrics',
  variable: 'PROMETHEUS_PATH',
  find: () => firstThatRuns([process.env['PROMETHEUS_PATH'] ?? 'prometheus']),
}

/** @returns the command that starts it. @throws Error with the one line that installs it. */
export function ensurePrometheus(): string {
  return ensureDebianProgram(PROMETHEUS)
}

/** Runs promtool, which comes with Prometheus. @returns what it says, and whether it is content. */
export function promtool(...args: string[]): { readonly ok: boolean; readonly output: string } {
  const prometheus = ensurePrometheus()
  const command = prometheus.includes('/') ? join(dirname(prometheus), 'promtool') : 'promtool'
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  return { ok: status === 0, output: stdout + stderr }
}
