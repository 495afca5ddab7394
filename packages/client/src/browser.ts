/** What the browser files hold: the client, and no tables of codes. */
export { PulsewireClient } from './client.ts'
export { PulsewireError } from './errors.ts'
export { VERSION } from './options.ts'
