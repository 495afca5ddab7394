export { SharedClient, type SharedClientOptions } from './shared-client.ts'
export type { WorkerLike } from './link.ts'
export type { HostPort } from './tab-host.ts'
