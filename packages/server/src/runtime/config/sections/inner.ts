import * as z from 'zod'
import { filePath, secret } from '../fields.ts'

export const innerSection = z
  .strictObject({
    secretFile: z.exactOptional(
      filePath(
        'File that holds the secret, of 16 characters or more. Two lines are two secrets: push nodes take both, gateways show the first. Read anew when it changes, and on SIGHUP.',
      ),
    ),
    secret: z.exactOptional(secret('The secret itself.')),
    caFile: z.exactOptional(
      filePath('PEM file of the authorities that sign push nodes’ certificates, for gateways; those that Node knows when absent.'),
    ),
    certFile: z.exactOptional(
      filePath('PEM file of the certificate that a gateway shows to push nodes, together with `keyFile`; read at each connection.'),
    ),
    keyFile: z.exactOptional(filePath('PEM file of its private key.')),
  })
  .prefault({})
  .describe('The hop between nodes. With a secret, push nodes let in only gateways that have it, and operators; without, anybody.')
