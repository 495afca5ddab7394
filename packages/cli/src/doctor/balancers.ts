/** What balancers hand out, beside what was found here. */
import type { VerdictsAnswer } from '@pulsewire/server'
import { type Check, note, ok, problem, some } from './check.ts'

export interface BalancerFacts {
  readonly address: string
  readonly answer: VerdictsAnswer | { readonly failure: string }
}

/** Gateways by what is known of them here. */
export interface GatewaysKnown {
  /** Found fresh; empty where none was asked. */
  readonly proven: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
  /** By an operator's word. */
  readonly offline: ReadonlySet<string>
}

export function judgeBalancer({ address, answer }: BalancerFacts, { proven, failed, offline }: GatewaysKnown): Check[] {
  if ('failure' in answer) {
    return [
      problem(
        'balancers',
        `${address} does not answer: ${answer.failure}`,
        'clients that know only this balancer use their last list',
        'is the process up, and the address right?',
      ),
    ]
  }
  const { verdicts } = answer
  const handedOut = verdicts.filter((row) => row.role === 'gateway' && row.handedOut).map(({ node }) => node)
  const checks: Check[] = []
  if (handedOut.length === 0) {
    const reasons = verdicts
      .filter(({ role }) => role === 'gateway')
      .map(({ node, reasons: why }) => `${node}: ${why.map(({ code }) => code).join(', ')}`)
    checks.push(
      problem(
        'balancers',
        `${address} hands out no gateway${reasons.length === 0 ? '' : ` (${some(reasons)})`}`,
        'new clients have nowhere to go',
        '`pulsewire verdicts` says why, gateway by gateway',
      ),
    )
  }
  const wronged = verdicts.filter(({ node, role, handedOut: out }) => role === 'gateway' && !out && proven.has(node))
  if (wronged.length > 0) {
    const who = wronged.map(({ node, reasons }) => `${node} (${reasons.map(({ code }) => code).join(', ')})`)
    checks.push(
      note(
        'balancers',
        `${address} does not hand out ${some(who)}, which ${wronged.length === 1 ? 'brings' : 'bring'} fresh data here`,
        'right for one that drains or is offline; else the balancer cannot reach what this machine can',
        '`pulsewire verdicts`',
      ),
    )
  }
  const wrongly = handedOut.filter((node) => offline.has(node))
  if (wrongly.length > 0) {
    checks.push(
      problem(
        'balancers',
        `${address} hands out ${some(wrongly)}, which an operator took offline`,
        'clients are sent where nobody is to be',
        'does it read the same control topic? Restart it; other balancers serve meanwhile',
      ),
    )
  }
  const trusted = handedOut.filter((node) => failed.has(node))
  if (trusted.length > 0) {
    checks.push(
      note(
        'balancers',
        `${address} hands out ${some(trusted)}, which cannot be used from here`,
        'the balancer reaches what this machine does not: so may some clients',
        'look at the network between this machine and the advertised address',
      ),
    )
  }
  // Said whatever else there is: that check and list are not the same thing was one of the failures behind all this.
  if (offline.size > 0 && handedOut.length > 0 && wrongly.length === 0)
    checks.push(ok('balancers', `${address} hands out ${some(handedOut)}, and not ${some([...offline])}, which an operator took offline`))
  if (checks.length === 0) checks.push(ok('balancers', `${address} hands out ${some(handedOut)}`))
  return checks
}
