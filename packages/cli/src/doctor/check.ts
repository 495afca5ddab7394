/** What `pulsewire doctor` finds: one line each, and for what is wrong why it matters and what to do. */

export const AREAS = ['configuration', 'kafka', 'nodes', 'feeds', 'gateways', 'balancers'] as const
export type Area = (typeof AREAS)[number]

export interface Check {
  readonly area: Area
  /** `problem`: users notice, or will at the next failure. `note`: to be known. */
  readonly verdict: 'ok' | 'note' | 'problem'
  readonly what: string
  readonly why?: string
  readonly todo?: string
}

export function ok(area: Area, what: string): Check {
  return { area, verdict: 'ok', what }
}

export function note(area: Area, what: string, why: string, todo: string): Check {
  return { area, verdict: 'note', what, why, todo }
}

export function problem(area: Area, what: string, why: string, todo: string): Check {
  return { area, verdict: 'problem', what, why, todo }
}

/** `a, b and 3 more`: a list that stays one line. */
export function some(names: readonly string[], most = 5): string {
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}
