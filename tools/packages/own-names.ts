import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseSync, Visitor, type Node, type Program } from 'oxc-parser'

/** Who else knows a name: the other end of the wire. */
const WIRE = 'packages/protocol/src/frames.ts'
const PUBLIC = 'packages/client/src/index.ts'
const SOURCES = ['packages/client/src', 'packages/protocol/src']

/**
 * Names of members that nobody outside a browser file knows, so that it may have shorter ones: those that the sources
 * declare, less those of frames and of all modules that read JSON, of the public interface, of the platform, and those that
 * stand in the file as text too, because a member may be looked up by it.
 * @param code the file as it is before it is made small.
 */
export async function ownNames(root: string, code: string): Promise<ReadonlySet<string>> {
  const sources = new Map<string, Program>()
  const foreign = new Set<string>()
  for (const folder of SOURCES) {
    for (const entry of await readdir(join(root, folder), { recursive: true })) {
      const path = join(folder, entry)
      if (!/(?<!\.test)\.ts$/.test(path)) continue
      const source = await readFile(join(root, path), 'utf8')
      const { program } = parseSync(path, source)
      sources.set(path, program)
      // Whoever reads JSON reads names that others gave.
      if (source.includes('JSON.parse')) for (const name of usedNames(program)) foreign.add(name)
    }
  }
  const own = new Set<string>()
  for (const program of sources.values()) for (const name of declaredNames(program)) own.add(name)
  const wire = sources.get(WIRE)!
  const known = [
    declaredNames(wire),
    texts(wire),
    publicNames(sources),
    foreign,
    await platformNames(),
    texts(parseSync('bundle.js', code).program),
  ]
  for (const names of known) for (const name of names) own.delete(name)
  return own
}

/** Member names of all that the package exports, and of the types that these mention. */
function publicNames(sources: ReadonlyMap<string, Program>): ReadonlySet<string> {
  const declarations = new Map<string, Node>()
  for (const { body } of sources.values()) {
    for (const statement of body) {
      const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : null
      if (declared !== null && 'id' in declared && declared.id?.type === 'Identifier') declarations.set(declared.id.name, declared)
    }
  }
  const names = new Set<string>()
  const mentioned = new Set<string>()
  new Visitor({
    ExportSpecifier: ({ local }) => {
      if (local.type === 'Identifier') mentioned.add(local.name)
    },
  }).visit(sources.get(PUBLIC)!)
  // A set that grows is walked to its end.
  for (const type of mentioned) {
    const declaration = declarations.get(type)
    if (declaration !== undefined) signatures(declaration, { names, types: mentioned })
  }
  return names
}

interface Found {
  readonly names: Set<string>
  readonly types: Set<string>
}

/** Adds what whoever uses it can see: names of members that are not private, and the types that these mention. */
function signatures(part: unknown, found: Found): void {
  if (Array.isArray(part)) {
    for (const each of part) signatures(each, found)
    return
  }
  if (part === null || typeof part !== 'object') return
  const node = part as Node
  switch (node.type) {
    case 'MethodDefinition':
    case 'PropertyDefinition':
      if (node.static || node.key.type === 'PrivateIdentifier' || (node.type === 'MethodDefinition' && node.kind === 'constructor')) return
      break
    case 'BlockStatement':
      return
    case 'TSTypeReference':
      if (node.typeName.type === 'Identifier') found.types.add(node.typeName.name)
      break
    case 'TSInterfaceHeritage':
      if (node.expression.type === 'Identifier') found.types.add(node.expression.name)
      break
    case 'TSTypeQuery':
      if (node.exprName.type === 'Identifier') found.types.add(node.exprName.name)
      break
    default:
  }
  if ('key' in node && node.key !== null && node.key.type === 'Identifier') found.names.add(node.key.name)
  for (const child of Object.values(node)) signatures(child, found)
}

/** Names of all members that are declared in it. */
function declaredNames(program: Program): ReadonlySet<string> {
  const names = new Set<string>()
  const member = ({ key }: { key: Node }): void => {
    if (key.type === 'Identifier') names.add(key.name)
  }
  new Visitor({ TSPropertySignature: member, TSMethodSignature: member, MethodDefinition: member, PropertyDefinition: member }).visit(
    program,
  )
  return names
}

/** Names of all members that it reads, writes or declares. */
function usedNames(program: Program): ReadonlySet<string> {
  const names = new Set(declaredNames(program))
  new Visitor({
    Property: ({ key }) => {
      if (key.type === 'Identifier') names.add(key.name)
    },
    MemberExpression: ({ property }) => {
      if (property.type === 'Identifier') names.add(property.name)
    },
  }).visit(program)
  return names
}

/** As the compiler's own declarations of the language and of browsers have them. */
async function platformNames(): Promise<ReadonlySet<string>> {
  const compiler = createRequire(createRequire(import.meta.url).resolve('typescript/package.json'))
  const folder = join(dirname(compiler.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)), 'lib')
  const names = new Set<string>()
  for (const file of await readdir(folder)) {
    if (!/^lib\.(es|dom).*\.d\.ts$/.test(file)) continue
    const declarations = await readFile(join(folder, file), 'utf8')
    for (const [, name] of declarations.matchAll(/^\s+(?:readonly |get |set )*([A-Za-z_$][\w$]*)\??\s*[:(<]/gm)) names.add(name!)
  }
  return names
}

function texts(program: Program): ReadonlySet<string> {
  const found = new Set<string>()
  new Visitor({
    Literal: ({ value }) => void (typeof value === 'string' && found.add(value)),
    TemplateElement: ({ value }) => void found.add(value.cooked ?? ''),
  }).visit(program)
  return found
}
