import type { CheckedConfig } from './checks.ts'
import type { Problem } from './problems.ts'

const WHY = 'in production (node.production, or NODE_ENV=production)'
const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

/** What does for development and must not reach production: nobody is checked, or everybody could listen. */
export function productionChecks(config: CheckedConfig): Problem[] {
  return [...checkClients(config), ...checkHop(config), ...checkOpenDoors(config)]
}

function checkClients({ gateway, balancer, node, directory }: CheckedConfig): Problem[] {
  const problems: Problem[] = []
  if (gateway?.access.mode === 'open') problems.push({ path: ['gateway', 'access', 'mode'], text: `found open, expected token ${WHY}` })
  if (gateway?.access.mode === 'token' && directory?.enabled === false) {
    const text = `found false, expected true ${WHY}: without it this gateway never hears that a token or user was revoked`
    problems.push({ path: ['directory', 'enabled'], text })
  }
  for (const [role, section] of Object.entries({ gateway, balancer })) {
    if (section?.origins.includes('*') === true)
      problems.push({ path: [role, 'origins'], text: `found *, expected the origins of your own pages, or an empty list, ${WHY}` })
  }
  if (balancer !== undefined && (balancer.probeSecret ?? balancer.probeSecretFile) === undefined)
    problems.push({
      path: ['balancer', 'probeSecretFile'],
      text: `missing, expected the secret by which gateways let its probes in ${WHY}`,
    })
  if (balancer !== undefined && (balancer.admin.secret ?? balancer.admin.secretFile) === undefined)
    problems.push({
      path: ['balancer', 'admin', 'secretFile'],
      text: `missing, expected the secret by which operators see verdicts, topology and events ${WHY}: without one there is nothing for them`,
    })
  const isAnswered = node !== undefined && node.advertise.length > 0 && node.advertise.every((address) => address.startsWith('wss://'))
  if (gateway !== undefined && gateway.tls.certFile === undefined && !isAnswered) {
    problems.push({
      path: ['gateway', 'tls', 'certFile'],
      text: `missing, expected a certificate, or node.advertise with wss:// addresses where something in front ends TLS, ${WHY}: tokens would travel in the clear`,
    })
  }
  return problems
}

function checkHop({ push, gateway, inner }: CheckedConfig): Problem[] {
  if (push === undefined && gateway === undefined) return []
  const hasSecret = (inner?.secret ?? inner?.secretFile) !== undefined
  const hasCertificates = push === undefined ? inner?.certFile !== undefined : push.tls.clientCaFile !== undefined
  if (hasSecret || hasCertificates) return []
  return [
    { path: ['inner', 'secretFile'], text: `missing, expected the secret by which push nodes let gateways in, or certificates, ${WHY}` },
  ]
}

function checkOpenDoors({ faults, console }: CheckedConfig): Problem[] {
  const problems: Problem[] = []
  if (faults?.enabled === true) problems.push({ path: ['faults', 'enabled'], text: `found true, expected false ${WHY}` })
  if (console?.enabled === true && !LOOPBACK.includes(console.listen.host)) {
    const text = `found ${JSON.stringify(console.listen.host)}, expected a loopback address ${WHY}: the console shows everything and asks nobody who they are`
    problems.push({ path: ['console', 'listen', 'host'], text })
  }
  return problems
}

/** Of secrets that came from an example, a tutorial or a keyboard. */
const OF_DEVELOPMENT = /change.?me|develop|example|password|passw0rd|secret|test|dummy|12345678|qwerty/i
const DISTINCT_MIN = 8

export function isDevelopmentSecret(secret: string): boolean {
  return OF_DEVELOPMENT.test(secret) || new Set(secret).size < DISTINCT_MIN
}
