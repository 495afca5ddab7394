/** Builds the console's page, so that tests see the source as it is now. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const BUILD_TIMEOUT_MS = 120_000

/** Into a directory of its own: it disturbs nobody. */
export async function buildConsole(): Promise<{ directory: string; [Symbol.asyncDispose](): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'pulsewire-console-'))
  await build(['--emptyOutDir', '--outDir', directory])
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

/** To where the console's package has it, as `npm run build` does: for processes, which look nowhere else. */
export function buildConsoleInPlace(): Promise<void> {
  return build([])
}

async function build(args: readonly string[]): Promise<void> {
  const child = spawn(join(ROOT, 'node_modules/.bin/vite'), ['build', '--logLevel', 'warn', ...args], {
    cwd: join(ROOT, 'packages/console'),
    timeout: BUILD_TIMEOUT_MS,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
  assert.equal(code, 0, 'the console builds')
}
