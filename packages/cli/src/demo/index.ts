export { Demo, type DemoOptions } from './demo.ts'
export { play, STORIES } from './stories/index.ts'
