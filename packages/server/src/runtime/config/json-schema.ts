import * as z from 'zod'
import { type ConfigRole, SCHEMAS } from './schema.ts'

/** The part of JSON Schema that our schemas come out as, with what `meta` adds. */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  /** `false` for a section, a schema for a table of free names. */
  readonly additionalProperties?: false | SchemaNode
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly expected?: string
  readonly secret?: boolean
  readonly file?: boolean
}

export type Path = readonly (string | number)[]

/** A role's configuration as JSON Schema, which editors understand too. */
export function jsonSchemaOf(role: ConfigRole): SchemaNode {
  return z.toJSONSchema(SCHEMAS[role], { io: 'input' }) as SchemaNode
}

export function nodeAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = root
  for (const key of path) node = childOf(node, key)
  return node
}

export function childOf(node: SchemaNode | undefined, key: string | number): SchemaNode | undefined {
  if (node === undefined) return undefined
  if (node.anyOf !== undefined) return node.anyOf.map((option) => childOf(option, key)).find((child) => child !== undefined)
  if (node.items !== undefined && Number.isInteger(Number(key))) return node.items
  if (node.properties !== undefined && Object.hasOwn(node.properties, key)) return node.properties[key]
  return node.additionalProperties === false ? undefined : node.additionalProperties
}

/** What would be right here, to complete the sentence "expected …". */
export function expectation(node: SchemaNode): string {
  if (node.expected !== undefined) return node.expected
  if (node.enum !== undefined) return `one of ${node.enum.join(', ')}`
  if (node.const !== undefined) return String(node.const)
  if (node.anyOf !== undefined) return node.anyOf.map(expectation).join(' or ')
  switch (node.type) {
    case 'integer':
      return `a whole number from ${node.minimum} to ${node.maximum}`
    case 'number':
      return `a number from ${node.minimum} to ${node.maximum}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object':
      return node.properties === undefined ? 'a table of names' : `a section with the keys ${Object.keys(node.properties).join(', ')}`
    default:
      return 'text'
  }
}

/** Whether a value here may carry a secret, so that messages must not show it. */
export function holdsSecret(node: SchemaNode | undefined): boolean {
  if (node === undefined) return false
  return node.secret === true || Object.values(node.properties ?? {}).some(holdsSecret)
}

/** `feeds[0].warmup.spanMs` */
export function formatPath(path: Path): string {
  let text = ''
  for (const key of path) text += typeof key === 'number' ? `[${key}]` : text === '' ? key : `.${key}`
  return text === '' ? 'the configuration' : text
}

/** Both `feeds[0].topic` and `feeds.0.topic`. */
export function parsePath(text: string): Path {
  return text
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key))
}
