/** A real Chromium for browser tests: finds it, installs it where that is possible, starts it with nothing but loopback to talk to. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type BrowserContextOptions } from 'playwright-core'
import { type DebianProgram, ensureDebianProgram, firstThatRuns, installLine } from './debian-package.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const CHROMIUM: DebianProgram = {
  title: 'Chromium',
  packages: 'chromium',
  neededBy: 'Browser tests',
  variable: 'CHROMIUM_PATH',
  find: findChromium,
}

/** @returns the command that starts Chromium, or a browser of its kind; `CHROMIUM_PATH` names another. */
export function findChromium(): string | undefined {
  return firstThatRuns(process.env['CHROMIUM_PATH'] === undefined ? NAMES : [process.env['CHROMIUM_PATH']])
}

/** Installs Chromium where this process may. @throws Error with the one line that installs it. */
export function ensureChromium(): void {
  ensureDebianProgram(CHROMIUM)
}

/** A browser with a fresh profile, which is removed when it is closed. */
export async function launchChromium(
  options: Pick<BrowserContextOptions, 'viewport' | 'colorScheme' | 'deviceScaleFactor' | 'reducedMotion'> = {},
): Promise<BrowserContext> {
  const command = findChromium()
  if (command === undefined) throw new Error(`no Chromium. Install it: ${installLine(CHROMIUM)}`)
  const profile = await mkdtemp(join(tmpdir(), 'pulsewire-chromium-'))
  const executablePath = command.includes('/') ? command : spawnSync('which', [command], { encoding: 'utf8' }).stdout.trim()
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    // The flag says it too; without this Playwright adds one of its own for old headless.
    headless: true,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    ...options,
  })
  context.on('close', () => void rm(profile, { recursive: true, force: true, maxRetries: 5 }))
  return context
}
