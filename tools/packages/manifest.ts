import type { PublishedPackage } from './published.ts'

/** What a package.json of ours holds that matters to whoever installs it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The manifest as it is published: of the compiled files, without anything that only we need. */
export function publishedManifest(own: Manifest, { main, bin, entries = {}, browser = false, copies = [] }: PublishedPackage): object {
  const { name, version, description, license, engines, dependencies, peerDependencies } = own
  const entry = (module: string) => ({ types: compiled(module, '.d.ts'), default: compiled(module, '.js') })
  const compiled = (module: string, suffix: string): string => `./lib/${module.replace(/\.ts$/, suffix)}`
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    sideEffects: bin !== undefined,
    engines,
    exports: {
      '.': entry(main),
      ...Object.fromEntries(Object.entries(entries).map(([path, module]) => [path, entry(module)])),
      ...(browser ? { './browser/*': './browser/*' } : {}),
      './package.json': './package.json',
    },
    ...(bin === undefined ? {} : { bin: Object.fromEntries(Object.entries(bin).map(([key, module]) => [key, compiled(module, '.js')])) }),
    files: ['lib', ...(browser ? ['browser'] : []), ...copies],
    ...(dependencies === undefined ? {} : { dependencies }),
    ...(peerDependencies === undefined ? {} : { peerDependencies }),
    publishConfig: { access: 'public', provenance: true },
  }
}
