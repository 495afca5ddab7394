export { MemoryGuard, type MemoryPressure, NO_PRESSURE, type ShedOrder } from './guard.ts'
export { MemoryMeter } from './reading.ts'
