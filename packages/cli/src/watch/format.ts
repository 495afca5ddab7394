import { span } from '@pulsewire/server'

/** 12:01:07.123, local time. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Nothing where none is known. */
export function formatAge(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '' : span(ms)
}

/** `delayed 15 min`; nothing of a feed that is not, or not known to be. */
export function formatDelay(delayMs: number | undefined): string {
  return delayMs === undefined || delayMs === 0 ? '' : `delayed ${span(delayMs)}`
}

/** A value on one line; control and invisible characters (which could rule the terminal, or make a name look like another) made visible. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return sanitize(text)
}

export function sanitize(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16)
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`
  })
}
