import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of 64 KiB for what one node writes. Needs root, and a kernel that lets it mount. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'pulsewire-disk-'))
  readonly reports = join(this.path, 'reports')
  readonly #log = join(this.path, 'log')
  readonly #filler = join(this.path, 'filler')
  /** False where that is not allowed: then it is a directory like any other. */
  readonly isMounted: boolean

  constructor() {
    this.isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', this.path]).status === 0
    process.once('exit', this.#release)
    mkdirSync(this.reports, { mode: 0o700 })
  }

  /** In front of a node's command: its log output goes to a file on this disk, and to us what reaches the file. */
  get command(): readonly string[] {
    const follow = `: >>"${this.#log}"; tail --pid=$$ -n +1 -s 0.05 -F "${this.#log}" >&2 2>/dev/null & exec "$@" 2>>"${this.#log}"`
    return ['sh', '-c', follow, 'sh']
  }

  /** Until not one byte more can be written. */
  fill(): void {
    const file = openSync(this.#filler, 'w')
    try {
      for (let bytes = 512; bytes > 0; ) {
        try {
          writeSync(file, Buffer.alloc(bytes))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          bytes = Math.floor(bytes / 2)
        }
      }
    } finally {
      closeSync(file)
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true })
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#release)
    this.#release()
  }

  #release = (): void => {
    if (this.isMounted) spawnSync('umount', ['-l', this.path])
    rmSync(this.path, { recursive: true, force: true })
  }
}
