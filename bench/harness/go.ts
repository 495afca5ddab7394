/** Builds the Go programs of the benchmark; Go's own cache makes that quick when nothing changed. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const PROGRAMS = {
  producer: './producer',
  loadgen: './loadgen',
  'centrifuge-peer': './peers/centrifuge',
  'nats-bridge': './peers/nats',
  'nats-server': 'github.com/nats-io/nats-server/v2',
} as const

export type GoProgram = keyof typeof PROGRAMS

/** Finds a built program. */
export type GoPrograms = (program: GoProgram) => string

const NO_GO = `The benchmark's peers, producer and load generator are written in Go (1.26 or newer), which is not installed.
Install it:
  sudo snap install go --classic          (or from https://go.dev/dl/)`

/** @throws Error with the way to install Go when it is missing, or what the compiler says. */
export async function buildGoPrograms(benchDir: string, binDir: string): Promise<GoPrograms> {
  await mkdir(binDir, { recursive: true })
  try {
    await run('go', ['version'])
  } catch {
    throw new Error(NO_GO)
  }
  for (const [name, source] of Object.entries(PROGRAMS)) {
    await run('go', ['build', '-buildvcs=false', '-o', join(binDir, name), source], { cwd: benchDir })
  }
  return (program) => join(binDir, program)
}
