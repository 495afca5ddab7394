/** 120 ms, 3.2 s, 4 min, 2 h: enough to tell a moment from an hour. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / 3_600_000)} h`
}

export function ago(ms: number): string {
  return `${span(ms)} ago`
}
