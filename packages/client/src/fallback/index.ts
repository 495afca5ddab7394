export { subscribeOrDelayed, type OrDelayedHandlers, type OrDelayedOptions, type OrDelayedSubscription, type Source } from './or-delayed.ts'
