import type * as z from 'zod'
import { type Path, type SchemaNode, expectation, formatPath, holdsSecret, nodeAt } from './json-schema.ts'
import { closest } from './suggest.ts'

/** One mistake. `text` goes on after the path: "found 3, expected …". */
export interface Problem {
  readonly path: Path
  readonly text: string
}

type Issue = z.core.$ZodIssue

/** Says what zod found in our own words: what was found, what would be right. */
export function toProblems(issues: readonly Issue[], root: SchemaNode, input: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], root))
    if (issue.code === 'invalid_key') return [{ path, text: 'not a name, expected 1 to 64 letters, digits, dots, dashes or underscores' }]
    const inside = issue.code === 'invalid_union' ? issuesInside(issue) : undefined
    if (inside !== undefined) return toProblems(inside, root, input)
    return [wrongValue(path, root, valueAt(input, path))]
  })
}

/** Of "all, or a list", a list was meant: its mistakes are in its entries. */
function issuesInside(issue: z.core.$ZodIssueInvalidUnion): Issue[] | undefined {
  const option = issue.errors.find((issues) => issues.every(({ path }) => path.length > 0))
  return option?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

function wrongValue(path: Path, root: SchemaNode, value: unknown): Problem {
  const node = nodeAt(root, path)
  const expected = node === undefined ? 'something else' : expectation(node)
  if (value === undefined) return { path, text: `missing, expected ${expected}` }
  const found = holdsSecret(node) ? `${kindOf(value)} (not shown, it may hold a secret)` : describeValue(value)
  return { path, text: `found ${found}, expected ${expected}` }
}

function unknownKey(path: Path, root: SchemaNode): Problem {
  const key = String(path.at(-1))
  const siblings = Object.keys(nodeAt(root, path.slice(0, -1))?.properties ?? {})
  const near = closest(key, siblings)
  if (near !== undefined) return { path, text: `unknown key, did you mean ${near}?` }
  const elsewhere = placesOf(key, root)
  if (elsewhere.length === 1) return { path, text: `unknown key here, did you mean ${elsewhere[0]}?` }
  return { path, text: `unknown key, expected one of ${siblings.join(', ')}` }
}

/** Where in the schema a key of this name is at home. */
function placesOf(key: string, node: SchemaNode, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => [
    ...(name === key ? [prefix + name] : []),
    ...placesOf(key, child, `${prefix}${name}.`),
    ...(child.items === undefined ? [] : placesOf(key, child.items, `${prefix}${name}[].`)),
  ])
}

export function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}

function describeValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return kindOf(value)
  return value === null ? 'nothing' : quote(value)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'a section'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}

function quote(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}

export function formatProblem({ path, text }: Problem, origin: string | undefined): string {
  return `${formatPath(path)}: ${text}${origin === undefined ? '' : ` (${origin})`}`
}
