import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeBrowserFiles } from './browser-files.ts'
import { compile } from './compile.ts'
import { type Manifest, publishedManifest } from './manifest.ts'
import { PUBLISHED } from './published.ts'
import { run } from './run.ts'

/**
 * Makes what `npm publish` would take: one folder per package below `out`, compiled, and a tarball of each beside it.
 * @param out below the root: declarations of what the packages need are looked for from there.
 * @returns the tarballs' paths, each after those that it needs.
 */
export async function pack(root: string, out: string): Promise<string[]> {
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  await run('npm', ['run', '--silent', 'build', '-w', '@pulsewire/console'], root)
  const tarballs: string[] = []
  for (const each of PUBLISHED) {
    const from = join(root, 'packages', each.folder)
    const to = join(out, each.folder)
    await mkdir(to)
    await compile(root, out, each)
    if (each.browser === true) await makeBrowserFiles(root, join(to, 'browser'))
    const own = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as Manifest
    await writeFile(join(to, 'package.json'), `${JSON.stringify(publishedManifest(own, each), null, 2)}\n`)
    for (const folder of each.copies ?? [])
      await cp(join(from, folder), join(to, folder), { recursive: true, filter: (file) => !file.endsWith('.ts') })
    // A package without a README of its own is part of the whole, which has one.
    await cp(existsSync(join(from, 'README.md')) ? join(from, 'README.md') : join(root, 'README.md'), join(to, 'README.md'))
    await cp(join(root, 'LICENSE'), join(to, 'LICENSE'))
    const packed = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', out], to)) as { readonly filename: string }[]
    tarballs.push(join(out, packed[0]!.filename))
  }
  return tarballs
}
