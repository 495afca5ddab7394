import * as z from 'zod'
import { filePath, secret } from '../fields.ts'

export const innerSection = z
  .strictObject({
    secretFile: z.exactOptional(
      filePath(
        'File that holds the secret, of 16 characters or more. Two lines are two secrets: push nodes take both, gateways show the first.',
      ),
    ),
    secret: z.exactOptional(secret('The secret itself.')),
  })
  .prefault({})
  .describe('The hop between nodes. With a secret, push nodes let in only gateways that have it, and operators; without, anybody.')
