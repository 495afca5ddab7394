#!/usr/bin/env node
import { endDespiteHandles } from '@pulsewire/server'
import { runProgram } from './commands/program.ts'

// Whoever read what is printed has seen enough: `pulsewire status | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

const code = await runProgram(process.argv.slice(2))
if (code !== undefined) {
  process.exitCode = code
  // What it had opened before it failed holds nobody who waits for its end, such as a supervisor.
  endDespiteHandles()
}
