export { Access } from './access.ts'
export {
  createAccess,
  createInnerAccess,
  ENTRY_CLIENT,
  type FollowDeps,
  innerSecrets,
  operatorToken,
  PROBE_PATTERN,
} from './create-access.ts'
export { TokenError } from './errors.ts'
export type { Grant } from './grant.ts'
