import type { LogAppend } from '../log/index.ts'

/** Key of pulse records. It begins with a NUL, which no symbol may hold, so the two cannot be mixed up. */
export const PULSE_KEY = '\u0000pulsewire.pulse'

/** The year 2286. What is not below was not meant as milliseconds, and an age from it could not be told. */
const TIME_MS_MAX = 1e13

/** What a pulse record says. */
export interface PulseRecord {
  /** Who wrote it. */
  readonly writer: string
  /** Which life of the writer: when it started, by its clock. All its times are of one clock, those of another life may not be. */
  readonly life?: number
  /** Counts this writer's pulses of the partition. */
  readonly sequence: number
  /** Generation of the feed that the writer believes in. */
  readonly generation: number
  /** Writer's steady clock, ms since the Unix epoch. */
  readonly atMs: number
  /**
   * While the feed moves, from the moment of the switch on: the generation that it moves to. In each partition of either
   * topic the first pulse with it is the seam: what comes before counts in the older topic, what comes behind in the newer.
   */
  readonly to?: number
}

export function encodePulse(partition: number, pulse: PulseRecord): LogAppend {
  return { partition, key: PULSE_KEY, value: JSON.stringify(pulse), timestampMs: Math.round(pulse.atMs) }
}

/** Cheap enough for every record: symbols never begin with a NUL. */
export function isPulseKey(key: Uint8Array): boolean {
  return key[0] === 0
}

const decoder = new TextDecoder()

/** `undefined` for something that only looks like a pulse. */
export function decodePulse(value: Uint8Array | null): PulseRecord | undefined {
  if (value === null) return undefined
  try {
    const pulse = JSON.parse(decoder.decode(value)) as Partial<PulseRecord>
    const whole = Number.isSafeInteger(pulse.sequence) && Number.isSafeInteger(pulse.generation)
    const isTime = typeof pulse.atMs === 'number' && pulse.atMs >= 0 && pulse.atMs < TIME_MS_MAX
    const areWhole = [pulse.to, pulse.life].every((each) => each === undefined || Number.isSafeInteger(each))
    return whole && isTime && areWhole && typeof pulse.writer === 'string' ? (pulse as PulseRecord) : undefined
  } catch {
    return undefined
  }
}
