/** Fetches what the chosen tests need and this machine does not have yet. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureKafkaJars } from '../test/support/kafka.ts'

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const INSTALL_CHROMIUM = 'apt-get update && apt-get install -y chromium'

/** @throws Error with the one line that installs what is missing. */
export async function prepareFor(root: string, files: readonly string[]): Promise<void> {
  const sources = await Promise.all(files.map(async (file) => readFile(join(root, file), 'utf8')))
  if (files.some((file) => file.startsWith('test/')) && (process.env['KAFKA_BROKERS'] ?? '') === '') await ensureKafkaJars()
  if (files.some((file, i) => file.startsWith('test/browser/') || /chromium|support\/browser/i.test(sources[i]!))) ensureChromium()
}

/** @returns the command that starts Chromium, or a browser of its kind. */
export function findChromium(): string | undefined {
  const names = process.env['CHROMIUM_PATH'] === undefined ? CHROMIUM_NAMES : [process.env['CHROMIUM_PATH']]
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
}

function ensureChromium(): void {
  if (findChromium() !== undefined) return
  const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined
  if (canInstall) {
    console.log(`Browser tests need Chromium: ${INSTALL_CHROMIUM}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const { status } = spawnSync('sh', ['-c', INSTALL_CHROMIUM], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status === 0 && findChromium() !== undefined) return
  }
  throw new Error(`Browser tests need Chromium, which is not there. Install it: ${INSTALL_CHROMIUM}   (or name one with CHROMIUM_PATH)`)
}
