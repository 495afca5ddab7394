import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PUBLISHED, type PublishedPackage } from './published.ts'
import { run } from './run.ts'

/**
 * Compiles a package into `lib/` of the folder that is published. Those that it needs have been compiled before: their
 * declarations are what it is checked against, as it will be for whoever installs it.
 * @throws Error with what the compiler says.
 */
export async function compile(root: string, out: string, { folder, include }: PublishedPackage): Promise<void> {
  const source = join(root, 'packages', folder, 'src')
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      noEmitOnError: true,
      typeRoots: [join(root, 'node_modules/@types')],
      rewriteRelativeImportExtensions: true,
      // Node 22 has no `using`.
      target: 'es2024',
      rootDir: source,
      outDir: join(out, folder, 'lib'),
      paths: Object.fromEntries(PUBLISHED.map((each) => [each.name, [join(out, each.folder, 'lib', each.main.replace(/\.ts$/, '.d.ts'))]])),
    },
    include: include.map((pattern) => join(source, pattern)),
    exclude: [join(source, '**/*.test.ts'), join(source, '**/test-support')],
  }
  const file = join(out, `${folder}.tsconfig.json`)
  await writeFile(file, JSON.stringify(config))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', file], root)
}
