/** Four failures from production, each done to a running demonstration, with what they would have needed then. */

export interface StoryScript {
  readonly id: string
  readonly title: string
  /** What happened, and why nobody saw it. */
  readonly past: string
  /** What is done to the demonstration. */
  readonly breaks: { readonly id: string; readonly target: string }
  /** Which command gets the answer: `trace` asks every hop of one user's quotes, `doctor` looks at the installation. */
  readonly asks: 'trace' | 'doctor'
  /** Codes, or areas of the doctor, any of which is the right verdict, and what its place and sentence must name. */
  readonly answers: readonly string[]
  readonly names: RegExp
  /** What happens to the users meanwhile. */
  readonly users: string
}

export const STORIES: readonly StoryScript[] = [
  {
    id: 'F1',
    title: 'A lock that was never released',
    past: 'A push node took a lock and never gave it back: it consumed nothing and read no subscriptions, its connections stayed open, its CPU was low, and some users saw no quotes for days. The stack that showed it needed a port that the container did not expose.',
    breaks: { id: 'leak', target: 'push-a1' },
    asks: 'trace',
    answers: ['push_stuck', 'push_gone'],
    names: /^push-a1: .* stuck: stage intake quote .* held by /,
    users: 'The other line brings everything. The watchdog names the section and its holder, writes a report, and ends the process.',
  },
  {
    id: 'F2',
    title: 'Gateways that were offline, and handed out',
    past: 'Operations took two gateways offline; the balancer went on handing them out, because its health check and its list were not the same thing.',
    breaks: { id: 'offline', target: 'gw-1' },
    asks: 'doctor',
    answers: ['balancers'],
    names: /and not gw-1, which an operator took offline/,
    users: 'Clients of the gateway are asked to move before they are cut; nobody new is sent there.',
  },
  {
    id: 'F3',
    title: 'Nodes that stayed on an old topic',
    past: 'The feed had moved to a new topic. Two push nodes were still on the old one: they passed their health checks, took subscriptions, and pushed nothing.',
    breaks: { id: 'pin', target: 'push-b1' },
    asks: 'trace',
    answers: ['generation_retired'],
    names: /^push-b1/,
    users: 'Nobody believes the node that was left behind: it hears no pulse of the current generation. The other line goes on.',
  },
  {
    id: 'F4',
    title: 'Subscriptions lost on the way',
    past: 'Subscriptions got lost in the middle of the chain, because no hop knew what the next one held. Packet captures on several machines showed where.',
    breaks: { id: 'drop', target: '' },
    asks: 'trace',
    answers: ['subscription_lost'],
    names: /^gw-/,
    users: 'With the next pulses both ends compare digests of what they hold, and repair it within 5 s.',
  },
]
