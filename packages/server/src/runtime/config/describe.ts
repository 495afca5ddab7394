import { stringify } from 'yaml'
import type { Configs, ConfigRole } from './schema.ts'

/** The whole configuration as YAML, defaults included and secrets as `[redacted]`: what `pulsewire config print` shows. */
export function describeConfig(config: Configs[ConfigRole]): string {
  // Through JSON, which redacts secrets and knows no references between equal parts.
  return stringify(JSON.parse(JSON.stringify(config)))
}
