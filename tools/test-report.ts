import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { inspect } from 'node:util'
import type { run } from 'node:test'

export interface Counts {
  passed: number
  failed: number
  cancelled: number
  skipped: number
  todo: number
}

type FileCounts = Omit<Counts, 'failed'> & { readonly tests: number }
type TestStream = ReturnType<typeof run>

/** No file may say nothing for so long: node:test ends one at its time limit, unless its process no longer heeds SIGTERM. */
const SILENCE_MS_MAX = 360_000

/** The last words of a file that failed, at most. */
const OUTPUT_CHARS_MAX = 8_000

/**
 * One line per file; of a file that failed, each failure and what it printed. `files` are those that must report.
 * Ends also when a file's process does not: that file counts as failed.
 */
export async function report(stream: TestStream, root: string, files: readonly string[]): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
  const silent = new Set(files)
  const failures = new Map<string, string[]>()
  const output = new Map<string, string>()
  const keep = ({ file, message }: { file?: string | undefined; message: string }): void => {
    if (file !== undefined) output.set(file, ((output.get(file) ?? '') + message).slice(-OUTPUT_CHARS_MAX))
  }
  stream.on('test:stdout', keep)
  stream.on('test:stderr', keep)
  stream.on('test:fail', ({ name, file, line, details }) => {
    const { error } = details
    // A suite fails because of a test in it, which is listed itself.
    if ((error as { failureType?: string }).failureType === 'subtestsFailed' || file === undefined) return
    const where = line === undefined ? '' : ` (line ${line})`
    failures.set(file, [...(failures.get(file) ?? []), `  ✖ ${name}${where}\n${indent(inspect(error.cause ?? error, { depth: 4 }))}`])
  })
  stream.on('test:summary', ({ file, counts, duration_ms }) => {
    if (file === undefined) return
    silent.delete(file)
    add(total, counts)
    const isGood = failedOf(counts) + counts.cancelled === 0 && !failures.has(file)
    console.log(`${isGood ? '✔' : '✖'} ${relative(root, file)}: ${counts.tests} tests, ${(duration_ms / 1000).toFixed(1)} s`)
    if (isGood) return
    for (const failure of failures.get(file) ?? []) console.log(failure)
    const words = output.get(file)
    if (words !== undefined) console.log(`  It printed:\n${indent(words)}`)
    failures.delete(file)
  })
  if (!(await endOf(stream))) {
    failures.set(join(root, 'one of them'), [
      `  ✖ nothing heard for ${SILENCE_MS_MAX / 1000} s: a file's process does not end, though its tests may have`,
    ])
    killChildren()
  }
  // One that calls process.exit leaves nothing behind, not even a failure.
  for (const file of silent) if (!failures.has(file)) failures.set(file, ['  ✖ ended without reporting its tests'])
  // A file that could not even be loaded, or ran into its timeout, has no summary of its own.
  for (const [file, texts] of failures) {
    console.log(`✖ ${relative(root, file)}\n${texts.join('\n')}\n${indent(output.get(file) ?? '')}`)
    total.failed++
  }
  return total
}

/** @returns false when nothing came for too long. */
async function endOf(stream: TestStream): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const silence = setTimeout(resolve, SILENCE_MS_MAX, false)
  const read = async () => {
    for await (const _ of stream) silence.refresh()
    return true
  }
  try {
    return await Promise.race([promise, read()])
  } finally {
    clearTimeout(silence)
  }
}

/** Left alone they would go on for ever, and whoever waits for this process's output with them. */
function killChildren(): void {
  spawnSync('pkill', ['-KILL', '-P', String(process.pid)])
}

function add(total: Counts, counts: FileCounts): void {
  total.passed += counts.passed
  total.failed += failedOf(counts)
  total.cancelled += counts.cancelled
  total.skipped += counts.skipped
  total.todo += counts.todo
}

function failedOf({ tests, passed, cancelled, skipped, todo }: FileCounts): number {
  return tests - passed - cancelled - skipped - todo
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ')
}
