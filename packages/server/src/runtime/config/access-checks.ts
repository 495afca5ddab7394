import type { Path } from './json-schema.ts'
import type { Problem } from './problems.ts'
import type { ParsedAccess } from './schema.ts'

const PATH: Path = ['gateway', 'access']

/** What a gateway needs to check tokens by. */
export function checkAccess({ gateway }: { readonly gateway?: { readonly access: ParsedAccess } }): Problem[] {
  if (gateway === undefined) return []
  const { access } = gateway
  const problems = [
    ...(access.secret !== undefined && access.secretFile !== undefined
      ? [{ path: PATH, text: 'has two secrets, expected either secretFile or the environment variable PULSEWIRE_GATEWAY_ACCESS_SECRET' }]
      : []),
    ...checkRoles(access),
  ]
  if (access.mode === 'open') return [...problems, ...checkUnused(access)]
  for (const name of ['issuer', 'audience'] as const) {
    if (access[name] === undefined)
      problems.push({ path: [...PATH, name], text: 'missing, expected what tokens have to say, because mode is token' })
  }
  return [...problems, ...checkKeys(access)]
}

/** Keys for which no algorithm is accepted, and the other way round, are a mistake in one of the two. */
function checkKeys({ algorithms, keyFiles, secret, secretFile, jwks }: ParsedAccess): Problem[] {
  const hasSecret = secret !== undefined || secretFile !== undefined
  const hasKeys = keyFiles.length > 0 || jwks.url !== undefined
  const isSecret = (algorithm: string): boolean => algorithm.startsWith('HS')
  if (!hasSecret && !hasKeys) return [{ path: PATH, text: 'has no keys, expected keyFiles, jwks.url or secretFile, because mode is token' }]
  const problems: Problem[] = []
  if (hasSecret !== algorithms.some(isSecret)) {
    const text = hasSecret ? 'has none for the secret, expected HS256, HS384 or HS512 among them' : 'has one that needs secretFile'
    problems.push({ path: [...PATH, 'algorithms'], text })
  }
  if (hasKeys && algorithms.every(isSecret)) {
    problems.push({ path: [...PATH, 'algorithms'], text: 'has none for keyFiles or jwks.url, expected such as RS256 or ES256 among them' })
  }
  return problems
}

function checkRoles({ roles, defaultRole, anonymousRole }: ParsedAccess): Problem[] {
  return Object.entries({ defaultRole, anonymousRole }).flatMap(([name, value]) =>
    value === undefined || Object.hasOwn(roles, value)
      ? []
      : [{ path: [...PATH, name], text: `found ${JSON.stringify(value)}, expected one of the names in roles` }],
  )
}

/** Whoever configures keys means them to count. */
function checkUnused({ keyFiles, secret, secretFile, jwks, anonymousRole }: ParsedAccess): Problem[] {
  const hasAny = keyFiles.length > 0 || (secret ?? secretFile ?? jwks.url ?? anonymousRole) !== undefined
  return hasAny ? [{ path: [...PATH, 'mode'], text: 'found open beside keys, expected token, or remove those' }] : []
}
