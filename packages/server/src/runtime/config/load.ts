import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { readPasswordFile } from '../password-file.ts'
import { type CheckedConfig, crossChecks, unreadable } from './checks.ts'
import { isDevelopmentSecret, productionChecks } from './production-checks.ts'
import { type Path, type SchemaNode, formatPath, jsonSchemaOf, nodeAt } from './json-schema.ts'
import { type Problem, formatProblem, toProblems } from './problems.ts'
import { RawConfig } from './raw-config.ts'
import { type ConfigRole, type Configs, type OperatorConfig, type ParsedOtherZones, SCHEMAS } from './schema.ts'
import { Secret } from './secret.ts'
import { SECRET_CHARS_MIN, type SecretSource, secretsOf, sourceOf, TOKEN_SECRET_CHARS_MIN } from './secrets.ts'
import { settingsOf } from './settings.ts'
import { addAssignments, addEnvironment, addFile, CONFIG_FILE_ENV } from './sources.ts'

/** Where settings come from. A flag wins over the environment, that over the file, that over the defaults. */
export interface ConfigSources {
  /** YAML file. Default: the one that PULSEWIRE_CONFIG names, or none. */
  readonly file?: string
  /** Only names that begin with PULSEWIRE_ are looked at. Default: none; a main passes `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `gateway.listen.port=8080`, each as one text. */
  readonly assignments?: readonly string[]
  /** Where relative paths outside of the file start. Default: the working directory. */
  readonly directory?: string
}

/**
 * Reads, merges and checks the configuration of a role. The result is complete (every default filled in) and frozen.
 * @throws ConfigError `config_unreadable`, or `config_invalid` whose `problems` name every mistake found. Secrets are in none of them.
 */
export function loadConfig<R extends ConfigRole>(role: R, sources: ConfigSources = {}): Configs[R] {
  const env = sources.env ?? {}
  const file = sources.file ?? (env[CONFIG_FILE_ENV] || undefined)
  const root = jsonSchemaOf(role)
  const raw = new RawConfig()
  if (file !== undefined) addFile(raw, file, root)
  const problems = [
    ...refuseSecrets(raw, role),
    ...addEnvironment(raw, env, settingsOf(role)),
    ...addAssignments(raw, sources.assignments ?? [], root),
  ]
  resolveFiles(raw, root, { file, directory: sources.directory ?? process.cwd(), problems })

  const isProduction = (config: CheckedConfig): boolean => config.node?.production ?? env['NODE_ENV'] === 'production'
  const check = (config: CheckedConfig): Problem[] => [...crossChecks(config), ...(isProduction(config) ? productionChecks(config) : [])]
  const parsed = parseAll({ role, raw, root, problems, check })
  if (problems.length > 0) {
    const lines = [...new Set(problems.map((problem) => formatProblem(problem, raw.origin(problem.path))))]
    throw new ConfigError('config_invalid', `the configuration of the ${role} role has ${lines.length} mistake(s)`, lines)
  }
  return deepFreeze(complete(role, parsed as unknown as Configs['all'], isProduction(parsed!))) as Configs[R]
}

interface Parsing {
  readonly role: ConfigRole
  readonly raw: RawConfig
  readonly root: SchemaNode
  readonly problems: Problem[]
  readonly check: (config: CheckedConfig) => Problem[]
}

/** Adds all problems to the list, those across settings too, as far as the rest of the configuration allows to see them. */
function parseAll({ role, raw, root, problems, check }: Parsing): CheckedConfig | undefined {
  const result = SCHEMAS[role].safeParse(raw.values)
  if (result.success) {
    problems.push(...check(result.data as unknown as CheckedConfig))
    return result.data as unknown as CheckedConfig
  }
  const found = toProblems(result.error.issues, root, raw.values)
  problems.push(...found)
  // Without the mistaken values the defaults stand in for them; what that alone causes is left out below.
  const repaired = SCHEMAS[role].safeParse(found.reduce<unknown>((tree, { path }) => without(tree, path), raw.values))
  if (repaired.success) {
    const inFound = ({ path }: Problem): boolean => found.some((other) => formatPath(path).startsWith(formatPath(other.path)))
    problems.push(...check(repaired.data as unknown as CheckedConfig).filter((problem) => !inFound(problem)))
  }
  return undefined
}

function without(tree: unknown, path: Path): unknown {
  const [key, ...rest] = path
  if (key === undefined || typeof tree !== 'object' || tree === null) return tree
  if (Array.isArray(tree)) {
    return rest.length === 0
      ? tree.filter((_, index) => index !== key)
      : tree.map((item, index) => (index === key ? without(item, rest) : item))
  }
  const entries = Object.entries(tree).filter(([name]) => rest.length > 0 || name !== key)
  return Object.fromEntries(entries.map(([name, value]) => [name, name === key ? without(value, rest) : value]))
}

/** A secret in the file would end in version control and in whatever shows the file. Its value is dropped at once. */
function refuseSecrets(raw: RawConfig, role: ConfigRole): Problem[] {
  return settingsOf(role)
    .filter(({ node }) => node.secret === true)
    .flatMap(({ path: name, env }) => {
      const path = name.split('.')
      if (take(raw.values, path) === undefined) return []
      return [{ path, text: `is a secret, expected ${name}File in the file, or the environment variable ${env}` }]
    })
}

function take(tree: unknown, path: readonly string[]): unknown {
  const parent = path.slice(0, -1).reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], tree)
  if (typeof parent !== 'object' || parent === null) return undefined
  const table = parent as Record<string, unknown>
  const last = path.at(-1)!
  const value = table[last]
  delete table[last]
  return value
}

interface FileContext {
  readonly file: string | undefined
  readonly directory: string
  readonly problems: Problem[]
}

/** Makes the paths of files absolute and checks that they can be read. */
function resolveFiles(raw: RawConfig, root: SchemaNode, context: FileContext): void {
  visit(raw.values, [], (path, value, replace) => {
    if (nodeAt(root, path)?.file !== true || typeof value !== 'string' || value === '') return
    const fromFile = context.file !== undefined && raw.origin(path)?.startsWith(context.file) === true
    const absolute = resolve(fromFile ? dirname(resolve(context.file!)) : context.directory, value)
    replace(absolute)
    const why = unreadable(absolute)
    if (why !== undefined) context.problems.push({ path, text: why })
  })
}

function visit(tree: unknown, path: Path, see: (path: Path, value: unknown, replace: (value: unknown) => void) => void): void {
  if (typeof tree !== 'object' || tree === null) return
  for (const [name, value] of Object.entries(tree)) {
    const below = [...path, Array.isArray(tree) ? Number(name) : name]
    see(below, value, (next) => {
      ;(tree as Record<string, unknown>)[name] = next
    })
    visit(value, below, see)
  }
}

/** Fills in what depends on the machine and on other settings. */
function complete(role: ConfigRole, parsed: Configs['all'], isProduction: boolean): object {
  const id = parsed.node.id ?? defaultNodeId(role, parsed)
  const config: Record<string, unknown> = { ...parsed, node: { ...parsed.node, id, production: isProduction } }
  if ('pulse' in parsed) config['pulse'] = { ...parsed.pulse, writerId: parsed.pulse.writerId ?? id }
  const problems: string[] = []
  const login: ReadLogin = (log, where) => withLogin(log, where, isProduction ? problems : null)
  if ('log' in parsed) config['log'] = login(parsed.log, 'log')
  const secrets: ReadSecrets = (section, name, values, charsMin = SECRET_CHARS_MIN) => {
    const setting = { section, name, charsMin, isProduction }
    return { secrets: secretsOf(setting, values, problems), source: sourceOf(setting, values) }
  }
  if ('operator' in parsed) {
    const [secret] = secrets('operator', 'secret', parsed.operator).secrets
    config['operator'] = secret === undefined ? {} : { secret }
  }
  if ('inner' in parsed) config['inner'] = innerOf(parsed.inner, secrets)
  if ('gateway' in parsed) config['gateway'] = { ...parsed.gateway, access: accessOf(parsed.gateway.access, secrets) }
  if ('balancer' in parsed) config['balancer'] = balancerOf(parsed.balancer, secrets, login)
  if (problems.length > 0) throw new ConfigError('config_invalid', `the configuration has ${problems.length} mistake(s)`, problems)
  return config
}

type ReadLogin = <T extends { readonly sasl?: object }>(log: T, where: string) => T

/**
 * @param where the section, for messages.
 * @param problems gets what is wrong with a password for production; `null`: it is for development.
 */
function withLogin<T extends { readonly sasl?: object }>(log: T, where: string, problems: string[] | null): T {
  if (log.sasl === undefined) return log
  const { passwordFile, password, ...login } = log.sasl as { readonly password?: string; readonly passwordFile?: string }
  const value = password ?? readPasswordFile(passwordFile!)
  if (value === '') {
    throw new ConfigError('config_invalid', 'the password file is empty', [`${where}.sasl.passwordFile: the file ${passwordFile} is empty`])
  }
  if (isDevelopmentSecret(value)) {
    const from = passwordFile === undefined ? 'password: it' : `passwordFile: what the file ${passwordFile} holds`
    problems?.push(`${where}.sasl.${from} looks like one of an example or a test, expected one that was drawn in production`)
  }
  const file = passwordFile === undefined ? {} : { passwordFile }
  return { ...log, sasl: { ...login, ...file, password: new Secret(value) } }
}

type ReadSecrets = (section: string, name: string, values: object, charsMin?: number) => FoundSecrets

interface FoundSecrets {
  readonly secrets: readonly Secret[]
  readonly source: SecretSource | undefined
}

/** As members of a configuration, which has none that are undefined. */
function found({ secrets, source }: FoundSecrets): object {
  return { secrets, ...(source === undefined ? {} : { source }) }
}

function innerOf(parsed: object, secretsOf: ReadSecrets): object {
  const { secret: _, secretFile: __, ...rest } = parsed as Pick<AccessFields, 'secret' | 'secretFile'>
  return { ...rest, ...found(secretsOf('inner', 'secret', parsed)) }
}

function accessOf(parsed: object, secretsOf: ReadSecrets): object {
  const { secret, secretFile, probeSecret, probeSecretFile, jwks, ...rest } = parsed as AccessFields
  const probes = secretsOf('gateway.access', 'probeSecret', { probeSecret, probeSecretFile })
  return {
    ...rest,
    ...found(secretsOf('gateway.access', 'secret', { secret, secretFile }, TOKEN_SECRET_CHARS_MIN)),
    probeSecrets: probes.secrets,
    ...(probes.source === undefined ? {} : { probeSource: probes.source }),
    ...(jwks.url === undefined ? {} : { jwks }),
  }
}

interface AccessFields {
  readonly secret?: string
  readonly secretFile?: string
  readonly probeSecret?: string
  readonly probeSecretFile?: string
  readonly jwks: { readonly url?: string }
}

function balancerOf(parsed: object, secretsOf: ReadSecrets, loginOf: ReadLogin): object {
  const { probeSecret, probeSecretFile, admin, otherZones, ...rest } = parsed as Pick<AccessFields, 'probeSecret' | 'probeSecretFile'> & {
    readonly admin: { readonly listen: object }
    readonly otherZones: ParsedOtherZones
  }
  const admins = { listen: admin.listen, ...found(secretsOf('balancer.admin', 'secret', admin)) }
  const { secrets, source } = secretsOf('balancer', 'probeSecret', { probeSecret, probeSecretFile })
  const zones = otherZones.map(({ log, ...zone }, index) => ({ ...zone, log: loginOf(log, `balancer.otherZones[${index}].log`) }))
  return { ...rest, admin: admins, otherZones: zones, probeSecrets: secrets, ...(source === undefined ? {} : { probeSource: source }) }
}

/** @throws ConfigError `config_invalid` when it is too short. */
export function operatorOf(parsed: { readonly secret?: unknown; readonly secretFile?: unknown }): OperatorConfig {
  const problems: string[] = []
  const [secret] = secretsOf({ section: 'operator', name: 'secret', charsMin: SECRET_CHARS_MIN }, parsed, problems)
  if (problems.length > 0) throw new ConfigError('config_invalid', 'the operator secret cannot be used', problems)
  return secret === undefined ? {} : { secret }
}

/** Two nodes on one host differ by role and port. */
function defaultNodeId(role: ConfigRole, config: Configs['all']): string {
  const port = role === 'pulse' ? 0 : config[role === 'all' ? 'gateway' : role].listen.port
  const host =
    hostname()
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 40) || 'node'
  return `${host}-${role}-${port === 0 ? process.pid : port}`
}

function deepFreeze(value: object): object {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) deepFreeze(child)
  return Object.freeze(value)
}
