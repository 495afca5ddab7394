interface Source {
  readonly secret?: { readonly items: readonly { readonly path: string }[] }
}

interface Workload {
  readonly kind?: string
  readonly spec?: {
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly containers: readonly { readonly volumeMounts: readonly { readonly mountPath: string }[] }[]
        readonly volumes: readonly { readonly name: string; readonly projected?: { readonly sources: readonly Source[] } }[]
      }
    }
  }
}

/** Files that a configuration names and the image does not have. */
export const MOUNTED = /\/run\/[\w./-]+/g
const MOUNT = '/run/secrets/pulsewire/'
/** Nodes of every role are asked by operators, in band or over their watchdogs. */
const OF_EVERY_ROLE = 'operator'

/**
 * Whether each role reads the secrets that are mounted for it, and no others.
 * @param documents as the chart renders them. @param configs of the roles, by role.
 * @returns what is wrong, one line each.
 */
export function secretMistakes(documents: readonly unknown[], configs: ReadonlyMap<string, string>): string[] {
  const mounted = new Map<string, Set<string>>()
  const mounts = new Map<string, readonly string[]>()
  for (const { kind, spec } of documents.filter((each) => each !== null) as readonly Workload[]) {
    if ((kind !== 'StatefulSet' && kind !== 'Deployment') || spec?.template === undefined) continue
    const role = spec.template.metadata.labels['app.kubernetes.io/component']!
    const volume = spec.template.spec.volumes.find(({ name }) => name === 'secrets')
    const files = (volume?.projected?.sources ?? []).flatMap(({ secret }) => secret?.items.map(({ path }) => path) ?? [])
    mounts.set(
      role,
      spec.template.spec.containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ mountPath }) => `${mountPath}/`)),
    )
    mounted.set(role, new Set([...(mounted.get(role) ?? []), ...files]))
  }
  const isThere = [...mounted.values()].some((files) => files.has(OF_EVERY_ROLE))
  return [...configs].flatMap(([role, text]) => {
    const files = mounted.get(role) ?? new Set<string>()
    const read = new Set([...text.matchAll(/\/run\/secrets\/pulsewire\/([\w.-]+)/g)].map(([, file]) => file!))
    const missing = [...read].filter((file) => !files.has(file))
    const beyond = [...text.matchAll(MOUNTED)]
      .map(([path]) => path)
      .filter((path) => !(mounts.get(role) ?? []).some((each) => path.startsWith(each)))
    const unread = [...files].filter((file) => !read.has(file))
    return [
      ...missing.map((file) => `${role} reads ${MOUNT}${file}, which is not mounted`),
      ...beyond.map((path) => `${role} reads ${path}, where nothing is mounted`),
      ...unread.map((file) => `${MOUNT}${file} is mounted for ${role}, which does not read it`),
      ...(isThere && !read.has(OF_EVERY_ROLE) ? [`${role} does not read the secret of operators`] : []),
    ]
  })
}
