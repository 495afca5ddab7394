/** The packages that are published, each after those that it needs. */
export interface PublishedPackage {
  /** Its folder below `packages/`. */
  readonly folder: string
  readonly name: string
  /** The module that it is imported by, below `src/`. */
  readonly main: string
  /** Further modules that it is imported by, below `src/`, by their path in the package. */
  readonly entries?: Readonly<Record<string, string>>
  /** Commands, by the module that each starts. */
  readonly bin?: Readonly<Record<string, string>>
  /** What is compiled, below `src/`; tests never are. */
  readonly include: readonly string[]
  /** Whether it is there as files for pages without a bundler, below `browser/`, too. */
  readonly browser?: boolean
  /** Folders whose files, except sources, are copied as they are. */
  readonly copies?: readonly string[]
}

export const PUBLISHED: readonly PublishedPackage[] = [
  { folder: 'protocol', name: '@pulsewire/protocol', main: 'index.ts', include: ['**/*.ts'], copies: ['vectors'] },
  {
    folder: 'client',
    name: '@pulsewire/client',
    main: 'index.ts',
    entries: { './shared': 'shared/index.ts', './shared-worker': 'shared/worker.ts' },
    include: ['**/*.ts'],
    browser: true,
  },
  { folder: 'react', name: '@pulsewire/react', main: 'index.ts', include: ['**/*.ts'] },
  { folder: 'server', name: '@pulsewire/server', main: 'index.ts', include: ['**/*.ts'] },
  // Its page is built by Vite; what is compiled here serves it.
  { folder: 'console', name: '@pulsewire/console', main: 'serve.ts', include: ['*.ts'], copies: ['dist'] },
  { folder: 'cli', name: 'pulsewire', main: 'index.ts', bin: { pulsewire: 'main.ts' }, include: ['**/*.ts'] },
]
