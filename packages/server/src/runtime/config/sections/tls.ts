import * as z from 'zod'
import { filePath } from '../fields.ts'

const serverFields = {
  certFile: z.exactOptional(
    filePath('PEM file of the certificate, with its chain; together with `keyFile`. Read anew when it changes, and on SIGHUP.'),
  ),
  keyFile: z.exactOptional(filePath('PEM file of its private key.')),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The oldest version of TLS that is spoken.'),
}

/** Of a listener for anybody. */
export const serverTls = z
  .strictObject(serverFields)
  .prefault({})
  .describe('TLS of the listener. Without a certificate it is not encrypted: for development, or behind what ends TLS.')

/** Of a listener for nodes. */
export const nodeTls = z
  .strictObject({
    ...serverFields,
    clientCaFile: z.exactOptional(
      filePath(
        'PEM file of the authorities that sign gateways’ certificates: a gateway that shows one is let in without the inner secret.',
      ),
    ),
  })
  .prefault({})
  .describe('TLS of the listener. Without a certificate it is not encrypted.')
