/** The `pulsewire` command as somebody at a shell runs it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { steadyMs } from './steady.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const DEADLINE_MS = 60_000

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

/** @param within a command in front of it, such as one that enters a network namespace first. */
export async function runCommand(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly within?: readonly string[]; readonly cwd?: string } = {},
): Promise<CommandResult> {
  const [command, ...rest] = [...(options.within ?? []), process.execPath, MAIN, ...args]
  const fromMs = steadyMs()
  const child = spawn(command!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: DEADLINE_MS,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr, tookMs: steadyMs() - fromMs }
}
