/** Four failures from production, done to the demo's real processes: each gets its one-sentence verdict, and no user notices. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Demo, play, STORIES } from '../../packages/cli/src/demo/index.ts'
import { runCommand } from '../support/command.ts'
import { startDemo } from '../support/demo.ts'

describe('the stories', { timeout: 280_000 }, () => {
  let demo: Demo

  before(async () => {
    demo = await startDemo({ consolePort: null })
  })

  after(() => demo?.close())

  for (const story of STORIES) {
    test(`${story.id}: ${story.title}`, async () => {
      const told: string[] = []
      const verdict = await play(demo, story, (text) => told.push(text))
      assert.ok(verdict !== null, 'nobody ended it')
      assert.ok(story.answers.includes(verdict.code) && story.names.test(`${verdict.hop}: ${verdict.sentence}`))
      assert.equal(told.length, 5, told.join('\n'))
      // All is as before: what was broken is over.
      assert.deepEqual(
        demo.breaks.states.filter(({ active }) => active !== null),
        [],
      )
    })
  }

  test('a story that there is not', async () => {
    const { code, stderr } = await runCommand(['demo', '--story', 'F9'])
    assert.equal(code, 2)
    assert.match(stderr, /F1, F2, F3, F4/)
  })
})
