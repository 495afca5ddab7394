export { MemoryGuard, type MemoryPressure, NO_PRESSURE } from './guard.ts'
export { MemoryMeter } from './reading.ts'
