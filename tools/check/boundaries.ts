/** Who may import whom. Each rule has its reason; tests are held to fewer of them, because they look inside on purpose. */
import type { Import } from './imports.ts'

interface Rule {
  readonly name: string
  readonly reason: string
  readonly isBroken: (edge: Import) => boolean
}

const ROLES = ['push', 'gateway', 'pulse', 'balancer']
const STAGE_ROOT = 'packages/server/src/'

export const RULES: readonly Rule[] = [
  {
    name: 'protocol-imports-nothing',
    reason: 'the protocol is the one thing that everything else may depend on, in browsers too',
    isBroken: (edge) => isCode(edge, 'protocol') && !edge.to?.startsWith('packages/protocol/'),
  },
  {
    name: 'client-imports-only-protocol',
    reason: 'the SDK has no dependencies and runs in browsers',
    isBroken: (edge) => isCode(edge, 'client') && !isIn(edge.to, 'client', 'protocol'),
  },
  {
    name: 'server-imports-only-protocol',
    reason: 'the server knows neither its client, nor its console, nor the command that starts it: they meet on the wire',
    isBroken: (edge) => isCode(edge, 'server') && edge.to !== undefined && !isIn(edge.to, 'server', 'protocol'),
  },
  {
    name: 'console-imports-no-server',
    reason: 'the console is a page in a browser',
    isBroken: (edge) => edge.from.startsWith('packages/console/src/') && !isTest(edge.from) && isIn(edge.to, 'server', 'cli'),
  },
  {
    name: 'roles-meet-on-the-wire',
    reason: 'a role that imports another works only in one process with it',
    isBroken: ({ from, to }) => {
      const [own, other] = [stageOf(from), stageOf(to)]
      return !isTest(from) && own !== other && ROLES.includes(own ?? '') && ROLES.includes(other ?? '')
    },
  },
  {
    name: 'stages-have-a-door',
    reason: "a stage's index.ts says what others may rely on; the rest may change at any time",
    isBroken: ({ from, to }) => {
      const stage = stageOf(to)
      // runtime/ is a box of tools, each file its own door.
      if (isTest(from) || stage === undefined || stage === 'runtime' || stageOf(from) === stage) return false
      return to !== `${STAGE_ROOT}${stage}/index.ts`
    },
  },
  {
    name: 'packages-have-a-door',
    reason: "a package's exports are its interface",
    isBroken: ({ from, to, specifier }) => {
      const inside = packageOf(to)
      return (
        inside !== undefined &&
        packageOf(from) !== inside &&
        specifier.startsWith('.') &&
        !from.startsWith('test/') &&
        !isTest(from) &&
        !from.startsWith('tools/') &&
        !from.startsWith('bench/')
      )
    },
  },
]

/** One line per broken rule and per cycle. */
export function findViolations(edges: readonly Import[]): string[] {
  const broken = RULES.flatMap(({ name, reason, isBroken }) =>
    edges.filter(isBroken).map(({ from, specifier }) => `${from} imports ${specifier} (${name}: ${reason})`),
  )
  return [
    ...broken,
    ...findCycles(edges).map((cycle) => `${cycle.join(' → ')} (no-cycles: what needs each other cannot be read or tested apart)`),
  ]
}

/** Cycles of imports that are there at run time, each once, by depth-first search. */
export function findCycles(edges: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>()
  for (const { from, to, isTypeOnly } of edges) if (to !== undefined && !isTypeOnly) targets.set(from, [...(targets.get(from) ?? []), to])
  const done = new Set<string>()
  const cycles: string[][] = []
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) return void cycles.push([...path.slice(at), file])
    if (done.has(file)) return
    for (const next of targets.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return cycles
}

function isTest(file: string): boolean {
  return /\.test\.tsx?$|\/test(-support)?\/|^test\//.test(file)
}

function isCode({ from }: Import, name: string): boolean {
  return from.startsWith(`packages/${name}/src/`) && !isTest(from)
}

function isIn(file: string | undefined, ...names: readonly string[]): boolean {
  return names.some((name) => file?.startsWith(`packages/${name}/`))
}

function packageOf(file: string | undefined): string | undefined {
  return /^packages\/([\w-]+)\//.exec(file ?? '')?.[1]
}

function stageOf(file: string | undefined): string | undefined {
  return new RegExp(`^${STAGE_ROOT}([\\w-]+)/`).exec(file ?? '')?.[1]
}
