import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { BreakRefused, type Break } from './break.ts'
import { Breaks } from './breaks.ts'
import { serveBreaks } from './http.ts'
import { Story } from './story.ts'

function world() {
  const done: string[] = []
  const healed = Promise.withResolvers<void>()
  const slow = Promise.withResolvers<void>()
  const one = (id: string, rest: Partial<Break>): Break => ({
    ...{ id, title: id, does: 'does', watch: 'watch', targets: ['gw-1', 'gw-2'], act: 'Do', undo: 'Undo', healsAfterMs: 60_000 },
    begin: async (target) => {
      done.push(`${id} ${target}`)
      return { end: () => void done.push(`${id} undone`) }
    },
    ...rest,
  })
  const story = new Story(() => 7)
  const breaks = new Breaks(
    [
      one('freeze', {}),
      one('leak', { begin: async () => ({ end: () => void done.push('leak over'), healed: healed.promise }) }),
      one('slow', {
        begin: async () => {
          await slow.promise
          return { end: () => {} }
        },
      }),
      one('never', { begin: () => Promise.reject(new BreakRefused('not now')) }),
      one('short', { healsAfterMs: 1 }),
    ],
    story,
    () => 7,
  )
  const active = (id: string) => breaks.states.find((state) => state.id === id)!.active
  return { done, breaks, story, active, heal: () => healed.resolve(), finish: () => slow.resolve() }
}

describe('Breaks', () => {
  it('does each once at a time, to what it was told, and undoes it', async () => {
    const { breaks, done, active } = world()
    await breaks.order('freeze', true, 'gw-2')
    assert.deepEqual(active('freeze'), { target: 'gw-2', sinceMs: 7 })
    await assert.rejects(breaks.order('freeze', true, 'gw-1'), /done already/)
    await breaks.order('freeze', false, '')
    await breaks.order('freeze', false, '')
    assert.deepEqual([active('freeze'), done], [null, ['freeze gw-2', 'freeze undone']])
  })

  it('says why not, and is as before', async () => {
    const { breaks, active } = world()
    await assert.rejects(breaks.order('melt', true, 'gw-1'), /there is no melt/)
    await assert.rejects(breaks.order('freeze', true, 'lb-9'), /lb-9 is none of gw-1, gw-2/)
    await assert.rejects(breaks.order('never', true, 'gw-1'), /not now/)
    assert.equal(active('never'), null)
  })

  it('shows what is still being done, and takes no second order for it', async () => {
    const { breaks, active, finish } = world()
    const ordered = breaks.order('slow', true, 'gw-1')
    assert.deepEqual(active('slow'), { target: 'gw-1', sinceMs: 7 })
    await assert.rejects(breaks.order('slow', false, 'gw-1'), /still being carried out/)
    finish()
    await ordered
    await breaks.close()
    assert.equal(active('slow'), null, 'all is undone at the end')
  })

  it('is over when it has healed, or has lasted long enough', async () => {
    const { breaks, done, heal, active } = world()
    await breaks.order('leak', true, 'gw-1')
    heal()
    await new Promise(setImmediate)
    assert.deepEqual([active('leak'), done], [null, ['leak over']])
    await breaks.order('short', true, 'gw-1')
    while (active('short') !== null) await new Promise(setImmediate)
    assert.equal(done.at(-1), 'short undone')
  })
})

describe('Story', () => {
  it('keeps what matters of what nodes say, once, and a bounded many', () => {
    const story = new Story(() => 1)
    story.said('gw-1', 'listening', 'gateway gw-1 listens')
    story.said('gw-1', 'digest_differs', 'they differ')
    story.said('gw-1', 'digest_differs', 'they differ')
    assert.deepEqual(story.entries, [{ id: 1, atMs: 1, tone: 'bad', node: 'gw-1', message: 'they differ' }])
    for (let i = 0; i < 300; i++) story.tell(`entry ${i}`)
    assert.deepEqual([story.entries.length, story.entries.at(-1)!.id], [200, 301])
  })
})

describe('the orders over HTTP', () => {
  it('are taken from the page of the demo alone', async () => {
    const { breaks, story, active } = world()
    const server = createServer(serveBreaks(breaks, story)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const own = { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, 'content-type': 'application/json' }
    const post = (headers: Record<string, string>, body = '{"on":true,"target":"gw-1"}', path = '/api/break/freeze') =>
      new Promise<number>((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        asked.once('error', reject).end(body)
      })
    const { origin: _, ...withoutOrigin } = own
    assert.equal(await post(withoutOrigin), 403)
    assert.equal(await post({ ...own, origin: 'http://evil.example' }), 403)
    assert.equal(await post({ ...own, origin: 'null' }), 403)
    assert.equal(await post({ ...own, host: 'evil.example', origin: 'http://evil.example' }), 403, 'a name that leads here')
    assert.equal(await post({ ...own, 'content-type': 'text/plain' }), 403, 'what a form can send without asking')
    assert.equal(await post({ ...own, 'sec-fetch-site': 'same-site' }), 403)
    assert.equal(active('freeze'), null)
    assert.equal(await post(own, '{'), 400)
    assert.equal(await post(own, ' '.repeat(5000)), 400)
    assert.equal(await post(own, '{"on":true,"target":"gw-9"}'), 409)
    assert.equal(await post(own, undefined, '/api/break/../x'), 404)
    assert.equal(await post(own), 200)
    assert.deepEqual(active('freeze'), { target: 'gw-1', sinceMs: 7 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await breaks.close()
  })
})
