import { createRequire } from 'node:module'

/** Version of this software, as nodes name it to each other. */
export const VERSION = (createRequire(import.meta.url)('../../package.json') as { readonly version: string }).version
