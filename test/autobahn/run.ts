/**
 * `npm run autobahn`: the cases of the Autobahn WebSocket test suite against a gateway's listener. Needs Python 3, from whose
 * registry it takes the client that drives the cases, into a folder of the moment.
 *
 *   npm run autobahn                     every case but those of compression, which is never negotiated
 *   npm run autobahn -- --only '9.*'     these
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { findProgram } from '../../tools/in-path.ts'
import { EchoServer } from './echo-server.ts'

const CLIENT = 'kosoku==0.1.0'
const COMPRESSION = ['12.*', '13.*']
const TIME_LIMIT_MS = 600_000

interface CaseResult {
  readonly behavior: string
  readonly behaviorClose: string
}

const command = promisify(execFile)

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true, default: [] } } })
  const folder = await mkdtemp(join(tmpdir(), 'pulsewire-autobahn-'))
  try {
    await command('python3', ['-m', 'venv', join(folder, 'venv')])
    await command(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--disable-pip-version-check', CLIENT])
    await using server = await EchoServer.start()
    const chosen = [...values.only.flatMap((id) => ['-i', id]), ...COMPRESSION.flatMap((id) => ['-x', id])]
    const reports = join(folder, 'reports')
    const client = join(folder, 'venv/bin/kosoku')
    // It ends with another code when cases fail; the report says which.
    const said = await command(client, ['-m', 'fuzzingclient', ...chosen, '-o', reports, server.url], { timeout: TIME_LIMIT_MS }).catch(
      (error: Error) => error.message,
    )
    const index = await readFile(join(reports, 'index.json'), 'utf8').catch(() => {
      throw new Error(`the client wrote no report: ${typeof said === 'string' ? said : said.stderr}`)
    })
    return tell(JSON.parse(index) as Record<string, Record<string, CaseResult>>)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @returns the exit code: 1 where a case failed, or none was run. */
function tell(index: Readonly<Record<string, Readonly<Record<string, CaseResult>>>>): number {
  const cases = Object.values(index).flatMap((agent) => Object.entries(agent))
  const counts = Object.groupBy(cases, ([, { behavior }]) => behavior)
  for (const [behavior, of] of Object.entries(counts)) {
    const ids = behavior === 'OK' ? '' : `: ${of!.map(([id]) => id).join(', ')}`
    console.log(`${of!.length} ${behavior}${ids}`)
  }
  const bad = cases.filter(([, { behavior, behaviorClose }]) => [behavior, behaviorClose].some((each) => /FAILED|UNCLEAN|WRONG/.test(each)))
  for (const [id, { behavior, behaviorClose }] of bad) console.log(`✖ ${id}: ${behavior}, close ${behaviorClose}`)
  console.log(`Autobahn: ${cases.length - bad.length} of ${cases.length} cases passed`)
  return bad.length === 0 && cases.length > 0 ? 0 : 1
}

// Without Python there is no client for them: not run. Whatever else goes wrong is a failure.
process.exitCode = await main().catch((error: Error) => {
  console.error(error.message)
  return findProgram('python3') === undefined ? 2 : 1
})
