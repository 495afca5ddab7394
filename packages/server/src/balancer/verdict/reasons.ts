/**
 * Why a node is not to be used. Stable, documented in docs/errors.md; a test keeps both equal.
 *
 * A *hard* reason stands whatever else happens. A *soft* one is what a probe, or the newest pulse, says: when all gateways of a
 * track fail by soft reasons at once, the fault is more likely this balancer's or the log's than theirs (promise P5).
 */
export const VERDICT_REASONS = {
  offline: 'An operator took the node offline.',
  draining: 'The node asks its receivers to move, or an operator told it to.',
  not_ready: 'The node says that it takes no new sessions.',
  lease_expired: 'The node beats no more: its lease ran out.',
  lease_left: 'The node said goodbye.',
  address_missing: 'The lease names no address at which the node could be reached.',
  generation_retired: 'The node serves or reads a generation of a feed that is over, or one that nothing confirms.',
  topic_differs: 'The node reads another topic than the catalogue names for that generation.',
  delay_differs: 'The push node shows a feed with another delay than others do.',
  wrong_node: 'Another node answers at the advertised address.',
  feed_missing: 'The gateway does not offer a feed of the catalogue.',
  probe_pending: 'The probe has not heard a pulse of every feed and partition yet.',
  connect_failed: 'The probe cannot connect to the advertised address.',
  entry_failed: 'The gateway serves those who are there, and lets in, or serves, nobody who comes anew.',
  silent: 'The connection of the probe is open, and nothing comes: the node is frozen, or its network is.',
  pulse_missing: 'Pulses of some partitions do not come, though the node answers.',
  pulse_old: 'Pulses come, but too old.',
} as const

export type VerdictReason = keyof typeof VERDICT_REASONS

const SOFT: ReadonlySet<VerdictReason> = new Set([
  'probe_pending',
  'connect_failed',
  'entry_failed',
  'silent',
  'pulse_missing',
  'pulse_old',
])

export function isSoft({ code }: { readonly code: VerdictReason }): boolean {
  return SOFT.has(code)
}

const OF_PULSES: ReadonlySet<VerdictReason> = new Set(['probe_pending', 'pulse_missing', 'pulse_old'])

/** It says that pulses do not come, or have not come since the probe's session began, which a log that is away causes just as well. */
export function isOfPulses({ code }: { readonly code: VerdictReason }): boolean {
  return OF_PULSES.has(code)
}

/** Why an answer, or a verdict, is marked degraded. Documented and tested as the reasons are. */
export const DEGRADED_REASONS = {
  directory_degraded: 'The control topic brings nothing: nodes whose leases had not run out before are kept.',
  probes_failed: 'Every probe of the track fails at once: the gateways that were good until then are handed out.',
  verdicts_old: 'This balancer stood still, and what its probes hear since is still to be judged: the verdicts are those of before.',
  never_proven: 'No probe of the track has succeeded since this balancer started: what the leases say is taken for it.',
  none_left: 'None of the gateways that were good is left, and no probe of the others succeeds: what their leases say is taken for it.',
} as const

export type DegradedReason = keyof typeof DEGRADED_REASONS
