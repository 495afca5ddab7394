import { randomUUID } from 'node:crypto'
import { chmod, lstat, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface ReportFilesOptions {
  /** Made when it is not there. */
  readonly directory: string
  readonly filesMax: number
  /** For all of them together. */
  readonly bytesMax: number
}

interface ReportFile {
  readonly path: string
  readonly bytes: number
  readonly writtenAtMs: number
}

/** What stands behind the node in the name of a report: when it was written, or that V8 wrote it. */
const OWN = /^-(\d{8}T\d+Z-|fatal-\d+\.).*json$/

/** The newest report of a node. @returns `undefined` when there is none. */
export async function newestReport(directory: string, nodeId: string): Promise<string | undefined> {
  const names = await readdir(directory).catch(() => [])
  // Nodes of one machine may share the directory, and the name of one may begin as another's does.
  const own = names.filter((name) => name.startsWith(`${nodeId}-`) && OWN.test(name.slice(nodeId.length)))
  const found = await Promise.all(own.map(async (name) => ({ name, atMs: (await stat(join(directory, name))).mtimeMs })))
  const newest = found.sort((a, b) => b.atMs - a.atMs)[0]
  return newest === undefined ? undefined : readFile(join(directory, newest.name), 'utf8')
}

/**
 * A directory of reports, for the owner's eyes only, bounded in files and bytes: the oldest make room. What Node writes
 * there by itself, when V8 gives up, counts as well.
 */
export class ReportFiles {
  readonly #options: ReportFilesOptions

  constructor(options: ReportFilesOptions) {
    this.#options = options
  }

  /** Makes the directory. @throws Error when it is not there, or not the owner's alone. */
  async prepare(): Promise<void> {
    const { directory } = this.#options
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const found = await lstat(directory)
    const uid = process.getuid?.()
    if (!found.isDirectory() || (uid !== undefined && (found.uid !== uid || (found.mode & 0o022) !== 0))) {
      throw new Error(`${directory} is not a directory of this user's that only this user may write to`)
    }
    await this.#makeRoom(0)
  }

  /** @returns the path. @throws Error when it cannot be written; nothing is left behind then. */
  async write(name: string, content: string): Promise<string> {
    const bytes = Buffer.byteLength(content)
    const { bytesMax, directory } = this.#options
    if (bytes > bytesMax) throw new Error(`the report has ${bytes} bytes; at most ${bytesMax} are kept`)
    await this.#makeRoom(bytes)
    const path = join(directory, `${name}-${randomUUID().slice(0, 8)}.json`)
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(content)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return path
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { filesMax, bytesMax } = this.#options
    const files = await this.#files()
    const isNew = bytes > 0 ? 1 : 0
    let held = files.reduce((sum, file) => sum + file.bytes, 0)
    files.sort((a, b) => a.writtenAtMs - b.writtenAtMs)
    for (let left = files.length; left > 0 && (left + isNew > filesMax || held + bytes > bytesMax); left--) {
      const oldest = files[files.length - left]!
      await rm(oldest.path, { force: true })
      held -= oldest.bytes
    }
  }

  async #files(): Promise<ReportFile[]> {
    const { directory } = this.#options
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json'))
    const files: ReportFile[] = []
    for (const name of names) {
      const path = join(directory, name)
      const found = await lstat(path).catch(() => undefined)
      if (found?.isFile() !== true) continue
      // V8's last words are written with the process's own mask.
      if ((found.mode & 0o077) !== 0) await chmod(path, 0o600).catch(() => {})
      files.push({ path, bytes: found.size, writtenAtMs: found.mtimeMs })
    }
    return files
  }
}
