/** Numbers and times as people read them. */
const NONE = '–'
const compact = new Intl.NumberFormat('en', { notation: 'compact', minimumSignificantDigits: 4, maximumSignificantDigits: 4 })
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const fixed = [0, 1, 2, 3, 4].map((digits) => new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }))

/** With minus signs as wide as plus signs, so that columns align. */
export function price(value: number | undefined, decimals: number): string {
  return value === undefined ? NONE : formatFixed(value, decimals)
}

export function signed(value: number | undefined, decimals: number): string {
  if (value === undefined) return NONE
  const text = formatFixed(Math.abs(value), decimals)
  return /[1-9]/.test(text) ? `${value < 0 ? '−' : '+'}${text}` : text
}

export function percent(value: number | undefined): string {
  return value === undefined ? NONE : `${signed(value, 2)} %`
}

/** 52,341,900 as `52.34M`: four digits, so that columns align. */
export function amount(value: number | undefined): string {
  if (value === undefined) return NONE
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)
}

export function count(value: number): string {
  return whole.format(value)
}

/** A short duration in its most readable unit: `0.4 ms`, `12 ms`, `1.3 s`, `4 min`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return NONE
  if (ms < 0.95) return '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : longDuration(ms)
}

/** For what lasts: `4 s`, `3 min`, `2 h`. */
export function longDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`
}

/** `14:02:11`, local time. */
export function clockTime(ms: number): string {
  return time.format(ms)
}

/** Decimals that a price needs, at least two: exchanges quote `403.60`, not `403.6`. */
export function decimalsOf(value: number): number {
  const digits = String(value)
  const point = digits.indexOf('.')
  return point < 0 ? 2 : Math.min(4, Math.max(2, digits.length - point - 1))
}

function formatFixed(value: number, decimals: number): string {
  return (fixed[decimals] ?? fixed[2]!).format(value)
}
