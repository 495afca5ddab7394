import { EXIT_CODES, judgeTrace, type TraceTarget, walkTrace } from '@pulsewire/server'
import { createColors } from 'picocolors'
import { type AskFlags, openEntrances } from '../ask/open.ts'
import { formatTrace } from './format.ts'

/** Walks the way, judges it and prints both; the exit code says whether something is broken for this user. @throws AskError, ConfigError when nobody could be asked at all. */
export async function trace(target: TraceTarget, flags: AskFlags, json: boolean): Promise<void> {
  using entrances = await openEntrances(flags)
  const facts = await walkTrace(entrances.askers, entrances.unreached, target)
  const findings = judgeTrace(facts)
  if (json) console.log(JSON.stringify({ findings, facts }))
  else console.log(formatTrace(facts, findings, createColors(process.stdout.isTTY && !process.env['NO_COLOR'])))
  if (findings.some(({ severity }) => severity === 'broken')) process.exitCode = EXIT_CODES.failure[0]
}
