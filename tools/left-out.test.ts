/** What .ci/run may leave out: a check whose program is not on this machine (exit code 2). One that could not be done though it is there is red. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ensureGoTool, ToolMissing } from './deploy/go-tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'pulsewire-left-out-'))
after(() => rmSync(folder, { recursive: true }))

function broken(name: string): void {
  writeFileSync(join(folder, name), '#!/bin/sh\nexit 1\n')
  chmodSync(join(folder, name), 0o755)
}

test('the cases of Autobahn: left out without Python, a failure where it cannot bring their client', () => {
  const script = join(import.meta.dirname, '../test/autobahn/run.ts')
  const code = () => spawnSync(process.execPath, [script], { env: { PATH: folder } }).status
  assert.equal(code(), 2)
  broken('python3')
  assert.equal(code(), 1)
})

test('the checks of the chart: left out without Go, a failure where it cannot build their tools', async () => {
  const path = process.env['PATH']
  const build = () => ensureGoTool('no-such-tool', 'example.invalid/tool@v1', folder)
  try {
    process.env['PATH'] = folder
    await assert.rejects(build(), ToolMissing)
    broken('go')
    await assert.rejects(build(), (error) => !(error instanceof ToolMissing) && /no-such-tool/.test(String(error)))
  } finally {
    process.env['PATH'] = path
  }
})
