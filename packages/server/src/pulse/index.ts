export { createPulseWriter, type PulseDeps, type PulseWriter } from './pulse-writer.ts'
