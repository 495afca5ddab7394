/** First bytes of frames, and flags of an update; protocol.md section 10. */
export const KIND = { json: 0x01, pulse: 0x02, pulseAck: 0x03, mark: 0x04, markAck: 0x05, dictionary: 0x06, update: 0x80 } as const

export const FLAG = { snapshot: 0x01, count: 0x02, place: 0x04, prev: 0x08, raw: 0x10, deleted: 0x20, steps: 0x40 } as const

/** Value kinds, the low two bits of a value's head. */
export const VALUE = { step: 0, number: 1, string: 2, other: 3 } as const
export const OTHER = { null: 0, true: 1, false: 2, double: 3, json: 4, gone: 5 } as const

/** Highest decimal scale of the dictionary. */
export const SCALE_MAX = 9

/** Longest bitmap of an update; 7 fields per byte. */
export const BITMAP_BYTES_MAX = 1024

/** Mantissas stay below this, so that a value's head stays below 2^53. */
export const MANTISSA_MAX = 2 ** 50

export const POWERS_OF_TEN = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const
