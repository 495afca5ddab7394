/** The demo for a test, with all of its nodes: where one does not come, the test ends with what they said. */
import { Demo, type DemoOptions } from '../../packages/cli/src/demo/index.ts'
import { createMemoryLogger } from '../../packages/server/src/runtime/logger.ts'

/** @throws Error when not all nodes run in time. */
export async function startDemo(options: Omit<DemoOptions, 'logger'>): Promise<Demo> {
  const logger = createMemoryLogger()
  await using stack = new AsyncDisposableStack()
  const demo = stack.use(new Demo({ ...options, logger }))
  await demo.start()
  if (!logger.lines.some(({ code }) => code === 'demo_incomplete')) {
    stack.move()
    return demo
  }
  const said = logger.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  throw new Error(`not all nodes of the demo run:\n${said.slice(-20).join('\n')}`)
}
