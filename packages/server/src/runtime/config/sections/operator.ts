import * as z from 'zod'
import { filePath, secret } from '../fields.ts'

export const operatorSection = z
  .strictObject({
    secretFile: z.exactOptional(
      filePath('File that holds the secret and nothing else, the same for all nodes and for operators; a final newline is ignored.'),
    ),
    secret: z.exactOptional(secret('The secret itself.')),
  })
  .prefault({})
  .describe(
    'Questions of operators (`pulsewire trace`, `sessions`, `debug`). Without a secret, of 16 characters or more, this node takes none and passes none on. Pulse writers take theirs at `watchdog.probes`.',
  )
