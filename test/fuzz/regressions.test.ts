/** Every input that ever failed, each in a file of its own beside this one: it does so no more. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { CPU_MS_MAX } from './engine/fuzzer.ts'
import { readInput, type WrittenInput } from './engine/input.ts'
import { targets } from './targets/index.ts'

const folder = join(import.meta.dirname, 'regressions')

interface Regression {
  readonly target: string
  /** What went wrong, in a sentence. */
  readonly why: string
  readonly input: WrittenInput
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const { target, why, input } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Regression
  test(`${file}: ${why}`, async () => {
    assert.notEqual(why, 'not looked at yet')
    const found = targets.find(({ name }) => name === target)
    assert.ok(found !== undefined, `no target is called ${target}`)
    const before = process.threadCpuUsage()
    await found.run(readInput(input))
    const { user, system } = process.threadCpuUsage(before)
    assert.ok((user + system) / 1000 < CPU_MS_MAX * 3, 'it takes no more than an input may; code that is not warm yet, three times that')
  })
}
