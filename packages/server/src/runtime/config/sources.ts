import { readFileSync } from 'node:fs'
import { LineCounter, parse, parseDocument } from 'yaml'
import { ConfigError } from '../errors.ts'
import { type Path, type SchemaNode, childOf, nodeAt, parsePath } from './json-schema.ts'
import type { Problem } from './problems.ts'
import type { RawConfig } from './raw-config.ts'
import { CONFIG_ROLES } from './schema.ts'
import { ENV_PREFIX, type Setting, settingsOf } from './settings.ts'
import { closest } from './suggest.ts'

/** Names the configuration file; it is no setting itself. */
export const CONFIG_FILE_ENV = `${ENV_PREFIX}CONFIG`

/** Variables that Kubernetes sets for a service called pulsewire-…; they are not meant for us. */
const KUBERNETES_NAME = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const KUBERNETES_VALUE = /^(tcp|udp|sctp):\/\//

/** @throws ConfigError `config_unreadable` when the file cannot be read, `config_invalid` when it is no YAML. */
export function addFile(raw: RawConfig, file: string, root: SchemaNode): void {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError('config_unreadable', `the configuration file ${file} cannot be read: ${(error as Error).message}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: true })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => `${file}: ${error.message.split('\n')[0]}`)
    throw new ConfigError('config_invalid', `${file} is not valid YAML`, problems)
  }
  const tree: unknown = document.toJS()
  if (tree === null || tree === undefined) return
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    throw new ConfigError('config_invalid', `${file} is no configuration`, [`${file}: expected sections such as \`node:\` at the top`])
  }
  const originOf = (path: Path): string => {
    const node = document.getIn(path, true) as { range?: readonly [number, number, number] } | undefined
    if (node?.range === undefined) return file
    const { line, col } = lines.linePos(node.range[0])
    return `${file}:${line}:${col}`
  }
  raw.merge(withoutEmptySections(tree, root), originOf)
}

/** A section whose lines are all commented out reads as null: it is as good as absent. */
function withoutEmptySections(tree: unknown, node: SchemaNode | undefined): unknown {
  if (typeof tree !== 'object' || tree === null) return tree
  if (Array.isArray(tree)) return tree.map((entry) => withoutEmptySections(entry, node?.items))
  const kept = Object.entries(tree).filter(([key, value]) => value !== null || childOf(node, key)?.properties === undefined)
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutEmptySections(value, childOf(node, key))]))
}

/** Takes over every PULSEWIRE_ variable of the role; those of other roles are left alone. An empty one counts as unset. */
export function addEnvironment(raw: RawConfig, env: Readonly<Record<string, string | undefined>>, settings: readonly Setting[]): Problem[] {
  const byName = new Map(settings.flatMap((setting) => (setting.env === undefined ? [] : [[setting.env, setting] as const])))
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || name === CONFIG_FILE_ENV || value === undefined || value === '') continue
    const setting = byName.get(name)
    if (setting !== undefined) raw.set(parsePath(setting.path), coerce(value, setting.node), name)
    else if (!isForeign(name, value)) problems.push(unknownVariable(name, [...byName.keys()]))
  }
  return problems
}

function isForeign(name: string, value: string): boolean {
  return (
    KUBERNETES_NAME.test(name) ||
    KUBERNETES_VALUE.test(value) ||
    CONFIG_ROLES.some((role) => settingsOf(role).some(({ env }) => env === name))
  )
}

function unknownVariable(name: string, known: readonly string[]): Problem {
  const near = closest(name, known)
  return { path: [name], text: `unknown environment variable${near === undefined ? '' : `, did you mean ${near}?`}` }
}

/** Takes over assignments such as `gateway.listen.port=8080`. */
export function addAssignments(raw: RawConfig, assignments: readonly string[], root: SchemaNode): Problem[] {
  const problems: Problem[] = []
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=')
    if (equals < 1) {
      problems.push({ path: ['--set'], text: `found ${JSON.stringify(assignment)}, expected setting=value` })
      continue
    }
    const path = parsePath(assignment.slice(0, equals))
    const node = nodeAt(root, path)
    const value = assignment.slice(equals + 1)
    if (node?.secret === true)
      problems.push({ path, text: 'is a secret, which other users of this machine could read in the process list' })
    else raw.set(path, node === undefined ? value : coerce(value, node), '--set')
  }
  return problems
}

/** Text to what the schema wants there. What does not fit stays text, so that the schema reports it as found. */
function coerce(value: string, node: SchemaNode): unknown {
  const list = node.type === 'array' ? node : node.anyOf?.find(({ type }) => type === 'array')
  if (list?.items !== undefined) {
    if (node.anyOf?.some((option) => option.const === value) === true) return value
    if (value.trimStart().startsWith('[') || list.items.type === 'object') return parseFlow(value)
    return value.split(',').map((entry) => coerce(entry.trim(), list.items!))
  }
  if (node.type === 'object') return parseFlow(value)
  if (node.type === 'integer' && /^-?\d+(\.\d+)?$/.test(value.trim())) return Number(value)
  if (node.type === 'boolean' && /^(true|false)$/i.test(value.trim())) return value.trim().toLowerCase() === 'true'
  return value
}

function parseFlow(value: string): unknown {
  try {
    return parse(value)
  } catch {
    return value
  }
}
