interface Selector {
  readonly matchLabels?: object
  readonly matchExpressions?: readonly unknown[]
}

interface Peer {
  readonly namespaceSelector?: Selector
}

interface Policy {
  readonly kind?: string
  readonly metadata?: { readonly name: string }
  readonly spec?: {
    readonly ingress?: readonly { readonly ports: readonly { readonly port: number | string }[]; readonly from?: readonly Peer[] }[]
  }
}

const PUSH_PORT = 8081

/** A label that pods give themselves is no proof of anything where any namespace will do. @returns what is wrong, one line each. */
export function policyMistakes(documents: readonly unknown[]): string[] {
  const policies = (documents as readonly (Policy | null)[]).filter((each) => each?.kind === 'NetworkPolicy')
  return policies.flatMap((policy) => {
    const name = policy!.metadata!.name
    return (policy!.spec?.ingress ?? []).flatMap(({ ports, from = [] }) => [
      ...(from.some(({ namespaceSelector }) => isOfAll(namespaceSelector)) ? [`${name} admits pods of any namespace`] : []),
      ...(from.length === 0 && ports.some(({ port }) => port === PUSH_PORT) ? [`${name} admits everybody to push nodes`] : []),
    ])
  })
}

function isOfAll(selector: Selector | undefined): boolean {
  if (selector === undefined) return false
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
}
