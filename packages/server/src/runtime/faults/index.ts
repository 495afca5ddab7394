export { BreakableLog } from './breakable-log.ts'
export { Faults } from './faults.ts'
