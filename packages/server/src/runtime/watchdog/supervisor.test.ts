import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { supervisorOf } from './supervisor.ts'

let directory: string

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'pulsewire-notify-'))
  const command = join(directory, 'systemd-notify')
  writeFileSync(command, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> "${directory}/said"\n`)
  chmodSync(command, 0o755)
})

after(() => rmSync(directory, { recursive: true, force: true }))

async function said(lines: number): Promise<string[]> {
  for (;;) {
    try {
      const found = readFileSync(join(directory, 'said'), 'utf8').trim().split('\n')
      if (found.length >= lines) return found
    } catch {
      // Nothing yet.
    }
    await sleep(20)
  }
}

describe('the supervisor', () => {
  it('hears when the process is ready, alive every third of its patience, and stopping', async () => {
    const environment = {
      PATH: `${directory}${delimiter}${process.env['PATH']}`,
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '3000000',
    }
    const supervisor = supervisorOf(environment, assert.fail)
    supervisor.ready()
    await said(1)
    for (const nowMs of [1000, 1500, 1999]) supervisor.alive(nowMs)
    await said(2)
    supervisor.alive(2000)
    await said(3)
    supervisor.stopping()
    assert.deepEqual(
      await said(4),
      ['--ready', 'WATCHDOG=1', 'WATCHDOG=1', 'STOPPING=1'].map((words) => `/run/notify ${words}`),
    )
  })

  it('that cannot be told is complained about once', async () => {
    const failures: string[] = []
    const failed = Promise.withResolvers<void>()
    const supervisor = supervisorOf({ PATH: '/nowhere', NOTIFY_SOCKET: '/run/notify' }, (why) => {
      failures.push(why)
      failed.resolve()
    })
    supervisor.ready()
    await failed.promise
    supervisor.stopping()
    await sleep(50)
    assert.equal(failures.length, 1)
    assert.match(failures[0]!, /systemd-notify --ready/)
  })
})
