export { createPushNode, type PushDeps, type PushNode } from './push-node.ts'
