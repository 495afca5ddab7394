/** Fetches what the chosen tests need and this machine does not have yet. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureChromium } from '../test/support/chromium.ts'
import { ensureKafkaJars } from '../test/support/kafka.ts'
import { ensurePrometheus } from '../test/support/prometheus.ts'

/** @throws Error with the one line that installs what is missing. */
export async function prepareFor(root: string, files: readonly string[]): Promise<void> {
  const sources = await Promise.all(files.map(async (file) => readFile(join(root, file), 'utf8')))
  if (files.some((file) => file.startsWith('test/')) && (process.env['KAFKA_BROKERS'] ?? '') === '') await ensureKafkaJars()
  if (files.some((file, i) => file.startsWith('test/browser/') || /chromium|support\/browser/i.test(sources[i]!))) ensureChromium()
  if (sources.some((source) => source.includes('support/prometheus'))) ensurePrometheus()
}
