import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Plugin, rolldown } from 'rolldown'
import { ownNames } from './own-names.ts'
import { withoutTexts } from './without-texts.ts'

export interface BrowserFile {
  readonly name: string
  readonly bytes: number
  readonly gzipBytes: number
}

/**
 * Makes the SDK as one file for a page without a bundler, in two sizes: all of it, and json.v1 over WebSocket to named
 * gateways, with codes in place of texts. Both are the same modules; `parts.ts` is where they differ. Members that only the file itself
 * knows get short names.
 */
export async function makeBrowserFiles(root: string, out: string): Promise<BrowserFile[]> {
  await mkdir(out, { recursive: true })
  return [await make(root, out, 'pulsewire.full.min.js', []), await make(root, out, 'pulsewire.min.js', [smallParts(root), withoutTexts])]
}

async function make(root: string, out: string, name: string, plugins: readonly Plugin[]): Promise<BrowserFile> {
  const bundle = await rolldown({
    input: join(root, 'packages/client/src/browser.ts'),
    // The sources, not what was compiled of them.
    resolve: { alias: { '@pulsewire/protocol': join(root, 'packages/protocol/src/index.ts') } },
    plugins: [...plugins],
  })
  const readable = await bundle.generate({ format: 'esm' })
  const mangleProps = { include: new RegExp(`^(?:${[...(await ownNames(root, readable.output[0].code))].join('|')})$`) }
  const { output } = await bundle.generate({
    format: 'esm',
    minify: { mangleProps },
    comments: false,
    postBanner: '/*! Pulsewire client, Apache-2.0 */',
  })
  await bundle.close()
  const { code } = output[0]
  await writeFile(join(out, name), code)
  return { name, bytes: Buffer.byteLength(code), gzipBytes: gzipSync(code, { level: 9 }).length }
}

function smallParts(root: string): Plugin {
  return {
    name: 'small-parts',
    resolveId: (source) => (/\/parts\.ts$/.test(source) ? join(root, 'packages/client/src/parts-small.ts') : null),
  }
}
