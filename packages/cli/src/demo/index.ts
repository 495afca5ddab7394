export { Demo, DEMO_CLOSE_DEADLINE_MS, type DemoOptions } from './demo.ts'
export { play, STORIES } from './stories/index.ts'
