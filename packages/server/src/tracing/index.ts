export { FollowedUpdates, type FollowedUpdatesOptions, type Outcome, type TraceCarrier } from './followed-updates.ts'
export { openTracing, type Tracing } from './open-tracing.ts'
