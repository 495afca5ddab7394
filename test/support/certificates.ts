import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority of a test's own, by OpenSSL, with its files in a directory of its own. */
export class Authority implements Disposable {
  readonly directory: string
  readonly caFile: string
  readonly #keyFile: string
  #serial = 0

  constructor(name = 'test authority') {
    this.directory = mkdtempSync(join(tmpdir(), 'pulsewire-ca-'))
    this.caFile = join(this.directory, 'ca.pem')
    this.#keyFile = join(this.directory, 'ca.key')
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', this.#keyFile]
    openssl('req', '-x509', ...key, '-subj', `/CN=${name}`, '-days', '30', '-out', this.caFile)
  }

  /** A certificate for 127.0.0.1 and localhost; its files are written over those of the same name. */
  issue(name: string, files: CertificateFiles = this.files(name), days = 30): CertificateFiles {
    const [request, extensions] = [join(this.directory, 'request.pem'), join(this.directory, 'extensions')]
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.keyFile]
    openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-out', request)
    const signed = ['-CA', this.caFile, '-CAkey', this.#keyFile, '-set_serial', String(++this.#serial), '-extfile', extensions]
    openssl('x509', '-req', '-in', request, ...signed, '-days', String(days), '-out', files.certFile)
    return files
  }

  files(name: string): CertificateFiles {
    return { certFile: join(this.directory, `${name}.pem`), keyFile: join(this.directory, `${name}.key`) }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
