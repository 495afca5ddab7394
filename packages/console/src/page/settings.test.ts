import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadPreferences, savePreferences } from './preferences.ts'
import { loadSettings } from './settings.ts'

const answer =
  (body: unknown, status = 200) =>
  async () =>
    new Response(JSON.stringify(body), { status })

describe('loadSettings', () => {
  it('asks the server of the page', async () => {
    const settings = await loadSettings('', answer({ gateways: ['ws://gw-1'], feed: 'quote2' }))
    assert.deepEqual(settings, {
      gateways: ['ws://gw-1'],
      feed: 'quote2',
      encoding: 'bin',
      installation: false,
      breaks: false,
      asks: false,
    })
  })

  it('takes what the address of the page names instead', async () => {
    const settings = await loadSettings('?gateway=ws://a&gateway=ws://b&encoding=json', () => assert.fail('nobody needs to be asked'))
    assert.deepEqual(settings, {
      gateways: ['ws://a', 'ws://b'],
      feed: 'quote',
      encoding: 'json',
      installation: false,
      breaks: false,
      asks: false,
    })
  })

  it('says in a sentence what is wrong', async () => {
    await assert.rejects(loadSettings('', answer({}, 500)), /answered 500/)
    await assert.rejects(loadSettings('', answer({ gateways: [] })), /names neither a gateway/)
    await assert.rejects(
      loadSettings('', () => Promise.reject(new TypeError())),
      /does not answer/,
    )
  })
})

describe('preferences', () => {
  const storage = (text: string | null) => ({ getItem: () => text })

  it('begin with the colours that the language is used to', () => {
    assert.equal(loadPreferences(storage(null), 'en-US').riseColour, 'green-up')
    assert.equal(loadPreferences(storage(null), 'zh-CN').riseColour, 'red-up')
    assert.equal(loadPreferences(storage(null), 'zh-HK').riseColour, 'green-up')
  })

  it('come back as they were saved, and survive nonsense', () => {
    let saved = ''
    savePreferences({ setItem: (_key, text) => void (saved = text) }, { theme: 'dark', riseColour: 'red-up' })
    assert.deepEqual(loadPreferences(storage(saved), 'en'), { theme: 'dark', riseColour: 'red-up' })
    for (const text of ['{', '{"theme":"pink"}', '[]']) {
      assert.deepEqual(loadPreferences(storage(text), 'en'), { theme: 'system', riseColour: 'green-up' })
    }
  })
})
