/**
 * `npm run check`: everything that can be said without running the project. One line per check; all run, so that one
 * look shows all that is wrong. `-- --fix` formats and repairs what the linter can repair; `-- --only lint` runs one.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findViolations } from './check/boundaries.ts'
import { importsOf } from './check/imports.ts'
import { findForbiddenContent } from './check/tracked-content.ts'
import { outdatedDocs } from './docs.ts'

const root = join(import.meta.dirname, '..')
const NODE_MAJOR = 26
const COMMAND_TIMEOUT_MS = 300_000

interface Check {
  readonly name: string
  readonly what: string
  /** What is wrong; nothing when all is well. */
  readonly run: () => Promise<string[]>
}

function checks(fix: boolean): readonly Check[] {
  return [
    {
      name: 'node',
      what: `Node ${NODE_MAJOR} runs the scripts`,
      run: async () => (isRightNode() ? [] : [`this is ${process.version}: run it through npm, after npm ci`]),
    },
    { name: 'types', what: 'TypeScript', run: () => command('tsc', ['-p', 'tsconfig.json']) },
    { name: 'lint', what: 'lint and format', run: () => command('biome', ['check', '--max-diagnostics=50', ...(fix ? ['--write'] : [])]) },
    {
      name: 'boundaries',
      what: 'who imports whom',
      run: async () => findViolations((await sources()).flatMap((file) => importsOf(root, file))),
    },
    { name: 'unused', what: 'unused files, exports and dependencies', run: () => command('knip', ['--no-progress']) },
    { name: 'docs', what: 'generated documentation is up to date', run: async () => outdatedDocs(root) },
    { name: 'content', what: 'no secrets, machine paths or registry hosts', run: async () => findForbiddenContent(root, await tracked()) },
  ]
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } })
  const failed: string[] = []
  for (const { name, what, run } of checks(values.fix)) {
    if (values.only !== undefined && !values.only.includes(name)) continue
    const startedMs = performance.now()
    const problems = await run().catch((error: Error) => [error.message])
    console.log(`${problems.length === 0 ? '✔' : '✖'} ${name}: ${what} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`)
    for (const problem of problems) console.log(problem.replaceAll(/^/gm, '    '))
    if (problems.length > 0) failed.push(name)
  }
  console.log(failed.length === 0 ? '\nChecks: all passed' : `\nChecks: failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

function isRightNode(): boolean {
  return Number.parseInt(process.versions.node, 10) >= NODE_MAJOR
}

/** Runs a tool of node_modules; what it prints is what is wrong. */
function command(name: string, args: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: '1' } }
    execFile(join(root, 'node_modules/.bin', name), [...args], options, (error, stdout, stderr) => {
      resolve(error === null ? [] : [(stdout + stderr).trim() || error.message])
    })
  })
}

/** What git holds, and what it would hold after `git add`. */
async function tracked(): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  execFile('git', args, { cwd: root, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
  return (await promise).split('\n').filter((file) => file !== '' && existsSync(join(root, file)))
}

async function sources(): Promise<string[]> {
  return (await tracked()).filter((file) => /^(packages|test|tools)\/.*\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
}

process.exit(await main())
