export type { Exclusive } from './exclusive.ts'
export { monotonicMs } from './monotonic.ts'
export {
  describeFault,
  type Hold,
  SharedStages,
  type Stage,
  type StageAccount,
  type StageFault,
  type Stages,
  unwatchedStages,
} from './stages.ts'
export { LOOP_ROW, StageTable } from './table.ts'
