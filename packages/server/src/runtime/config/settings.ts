import type { ConfigRole } from './schema.ts'
import { jsonSchemaOf, type SchemaNode } from './json-schema.ts'

/** One setting, as help, documentation and the environment see it. */
export interface Setting {
  /** `feeds[].warmup.spanMs`; `<name>` stands for a free name. */
  readonly path: string
  readonly node: SchemaNode
  /** Absent inside a list, where the variable of the list sets all of it. */
  readonly env?: string
  /** Whether it must be given (within its section or list entry). */
  readonly required: boolean
  /** A section or list, whose own settings follow. */
  readonly isSection: boolean
}

export const ENV_PREFIX = 'PULSEWIRE_'

/** `gateway.session.flushIntervalMs` is PULSEWIRE_GATEWAY_SESSION_FLUSH_INTERVAL_MS. */
export function envNameOf(keys: readonly string[]): string {
  return ENV_PREFIX + keys.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_')
}

/** Every setting of a role, in the order of its schema. */
export function settingsOf(role: ConfigRole): readonly Setting[] {
  const settings: Setting[] = []
  collect(jsonSchemaOf(role), [], '', false, settings)
  return settings
}

function collect(section: SchemaNode, keys: readonly string[], prefix: string, inList: boolean, settings: Setting[]): void {
  for (const [key, node] of Object.entries(section.properties ?? {})) {
    const path = prefix + key
    const isSection = node.properties !== undefined
    const entries = node.items?.properties === undefined ? undefined : node.items
    const required = section.required?.includes(key) ?? false
    // A section is set through its settings; only lists and plain values have a variable.
    const env = inList || isSection ? {} : { env: envNameOf([...keys, key]) }
    settings.push({ path, node, required, isSection: isSection || entries !== undefined, ...env })
    if (isSection) collect(node, [...keys, key], `${path}.`, inList, settings)
    if (entries !== undefined) collect(entries, [...keys, key], `${path}[].`, true, settings)
  }
}
