import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { canMakeNamespaces, NetworkNamespace } from './network-namespace.ts'

/** Echoes; says its port when it listens. */
const ECHO = `require('node:net').createServer((s) => s.pipe(s)).listen(0, '0.0.0.0', function () { console.log(this.address().port) })`

// Where nobody may make namespaces there is nothing to test; the fault rows that need them say so themselves.
if (canMakeNamespaces()) {
  test('a pulled cable loses packets and tells nobody; plugged in again, what was sent arrives; nothing stays behind', async () => {
    const namespace = new NetworkNamespace()
    const [command, ...args] = [...namespace.within, process.execPath, '-e', ECHO]
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [port] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
      const socket = connect(Number(port), namespace.innerHost)
      await once(socket, 'connect')
      socket.write('a')
      assert.equal(String((await once(socket, 'data'))[0]), 'a')
      namespace.pull()
      socket.write('b')
      const answer = once(socket, 'data')
      assert.equal(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'nothing'))]), 'nothing')
      namespace.plug()
      assert.equal(String((await answer)[0]), 'b')
      socket.destroy()
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
      namespace[Symbol.dispose]()
    }
    const left = spawnSync('sh', ['-c', 'ip netns list; ip -o link'], { encoding: 'utf8' }).stdout
    assert.ok(!left.includes(namespace.name) && !left.includes(`pw${process.pid % 1_000_000}v`), left)
  })
}
