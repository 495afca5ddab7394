export { type DelayedView, viewOf } from './delayed-log.ts'
