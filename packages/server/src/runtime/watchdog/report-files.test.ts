import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newestReport, ReportFiles } from './report-files.ts'

let root: string
let directory: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pulsewire-reports-test-'))
  directory = join(root, 'reports')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('report files', () => {
  it('are the owner’s alone', async () => {
    const files = new ReportFiles({ directory, filesMax: 3, bytesMax: 10_000 })
    await files.prepare()
    const path = await files.write('a', '{}')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
  })

  it('make room for new ones, the oldest first, by number and by bytes', async () => {
    const files = new ReportFiles({ directory, filesMax: 3, bytesMax: 1000 })
    await files.prepare()
    for (let i = 0; i < 5; i++) utimesSync(await files.write(`r${i}`, 'x'.repeat(10)), i + 1, i + 1)
    assert.deepEqual(names(), ['r2', 'r3', 'r4'])
    await files.write('large', 'x'.repeat(985))
    assert.deepEqual(names(), ['large', 'r4'])
    await assert.rejects(files.write('larger', 'x'.repeat(1001)), /1001 bytes; at most 1000/)
  })

  it('are found by the node that wrote them, the newest, though others are called nearly the same', async () => {
    const files = new ReportFiles({ directory, filesMax: 20, bytesMax: 10_000 })
    await files.prepare()
    assert.equal(await newestReport(directory, 'gw-1'), undefined)
    const written = [
      ['gw-1-20261128T101500000Z-stuck', 'older'],
      ['gw-1-20261128T101600000Z-blocked', 'newer'],
      ['gw-1-b-20261128T101700000Z-stuck', 'of gw-1-b'],
      ['gw-10-20261128T101800000Z-stuck', 'of gw-10'],
    ] as const
    for (const [i, [name, content]] of written.entries()) utimesSync(await files.write(name, content), i + 1, i + 1)
    assert.equal(await newestReport(directory, 'gw-1'), 'newer')
    assert.equal(await newestReport(directory, 'gw-1-b'), 'of gw-1-b')
    writeFileSync(join(directory, 'gw-1-fatal-77.json'), 'by V8')
    assert.equal(await newestReport(directory, 'gw-1'), 'by V8')
    assert.equal(await newestReport(join(root, 'nowhere'), 'gw-1'), undefined)
  })

  it('count what Node wrote by itself, and close it to others', async () => {
    const files = new ReportFiles({ directory, filesMax: 2, bytesMax: 10_000 })
    await files.prepare()
    writeFileSync(join(directory, 'x-fatal-1.json'), '{}', { mode: 0o644 })
    utimesSync(await files.write('a', '{}'), 5, 5)
    assert.equal(statSync(join(directory, 'x-fatal-1.json')).mode & 0o777, 0o600)
    utimesSync(join(directory, 'x-fatal-1.json'), 1, 1)
    await files.write('b', '{}')
    assert.deepEqual(names(), ['a', 'b'])
  })

  it('are refused where others could write, or put a link', async () => {
    const options = { filesMax: 2, bytesMax: 10_000 }
    await new ReportFiles({ directory, ...options }).prepare()
    chmodSync(directory, 0o777)
    await assert.rejects(new ReportFiles({ directory, ...options }).prepare(), /only this user may write to/)
    chmodSync(directory, 0o700)
    symlinkSync(directory, join(root, 'link'))
    await assert.rejects(new ReportFiles({ directory: join(root, 'link'), ...options }).prepare(), /only this user may write to/)
  })
})

function names(): string[] {
  return readdirSync(directory)
    .map((name) => name.replace(/-.*/, ''))
    .sort()
}
