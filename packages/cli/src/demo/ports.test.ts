import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { anyPort, PortChoice } from './ports.ts'

describe('PortChoice', () => {
  it('prefers what is wished for, and takes another when that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port: taken } = other.address() as AddressInfo
    const free = await anyPort()
    await using choice = new PortChoice()
    try {
      const ports = await choice.take({ a: free, b: taken, c: free })
      assert.equal(ports.a, free)
      assert.equal(new Set([ports.a, ports.b, ports.c, taken]).size, 4, 'all differ')
    } finally {
      other.close()
    }
  })

  it('gives no port twice, and none that connections are given', async () => {
    const wishes = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`node-${i}`, 0]))
    await using choice = new PortChoice()
    const ports = Object.values(await choice.take(wishes))
    assert.equal(new Set(ports).size, ports.length)
    assert.ok(Math.max(...ports) < 32_768)
  })
})
