/**
 * Counts how often each branch of the project's own modules is taken, from the moment of `instrument()` on: modules that
 * are imported afterwards carry the counters in themselves. Native speed, and a count per input, which the inspector's
 * precise coverage has only per call that costs milliseconds.
 */
import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** More than the instrumented modules have branches. */
const BRANCHES_MAX = 1 << 16

const COUNTERS = '__branches'

/** A part of the syntax tree, as far as it is looked at. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

/** @returns what counts; `used` is how many of them the modules loaded so far have. */
export function instrument(isWanted: (file: string) => boolean): Branches {
  const branches = new Branches()
  Object.assign(globalThis, { [COUNTERS]: branches.counts })
  registerHooks({
    load: (url, context, nextLoad) => {
      const file = url.startsWith('file:') ? fileURLToPath(url) : ''
      if (!file.endsWith('.ts') || !isWanted(file)) return nextLoad(url, context)
      const source = withCounters(stripTypeScriptTypes(readFileSync(file, 'utf8')), (count) => branches.reserve(count))
      return { format: 'module', source, shortCircuit: true }
    },
  })
  return branches
}

export class Branches {
  readonly counts = new Uint8Array(BRANCHES_MAX)
  used = 0

  reserve(count: number): number {
    const first = this.used
    this.used += count
    if (this.used > BRANCHES_MAX) throw new RangeError(`more than ${BRANCHES_MAX} branches: instrument fewer modules`)
    return first
  }

  clear(): void {
    this.counts.fill(0, 0, this.used)
  }
}

/** @param reserve numbers so many branches, and says the first number. */
export function withCounters(source: string, reserve: (count: number) => number): string {
  const { program, errors } = parseSync('module.js', source, { sourceType: 'module' })
  if (errors.length > 0) throw new Error(errors[0]!.message)
  const inserts: { readonly at: number; readonly before: string; readonly counts: boolean }[] = []
  const statement = (node: Node): void => {
    if (node.type === 'BlockStatement') inserts.push({ at: node.start + 1, before: '', counts: true })
    else inserts.push({ at: node.start, before: '{', counts: true }, { at: node.end, before: '}', counts: false })
  }
  const expression = (node: Node): void => {
    inserts.push({ at: node.start, before: '(', counts: true }, { at: node.end, before: ')', counts: false })
  }
  visit(program as unknown as Node, (node) => {
    const { consequent, alternate, body, right } = node as unknown as Record<string, Node | null | undefined>
    if (node.type === 'IfStatement') for (const branch of [consequent, alternate]) if (branch) statement(branch)
    if (/^(For|ForIn|ForOf|While|DoWhile)Statement$/.test(node.type)) statement(body!)
    if (node.type === 'ConditionalExpression') for (const branch of [consequent!, alternate!]) expression(branch)
    if (node.type === 'LogicalExpression') expression(right!)
    if (node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration') statement(body!)
    if (node.type === 'ArrowFunctionExpression' && body!.type === 'BlockStatement') statement(body!)
    if (node.type === 'SwitchCase') {
      const first = (consequent as unknown as readonly Node[])[0]
      if (first !== undefined) inserts.push({ at: first.start, before: '', counts: true })
    }
    if (node.type === 'CatchClause') statement(body!)
  })
  let number = reserve(inserts.filter(({ counts }) => counts).length)
  // Of what lies at one place, ends come before beginnings, and of beginnings the outer one first: as they were found.
  const ordered = inserts
    .map((insert, order) => ({ ...insert, order: insert.counts ? order : -order }))
    .sort((a, b) => a.at - b.at || Number(a.counts) - Number(b.counts) || a.order - b.order)
  let text = ''
  let from = 0
  for (const { at, before, counts } of ordered) {
    text += source.slice(from, at) + before
    if (counts) text += `${COUNTERS}[${number++}]++${before === '(' ? ',' : ';'}`
    from = at
  }
  return text + source.slice(from)
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && typeof (child as Node).type === 'string') visit(child as Node, see)
    }
  }
}
