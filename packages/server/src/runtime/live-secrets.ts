import type { Clock } from './clock.ts'
import { Secret, type SecretSource } from './config/index.ts'
import type { FileWatch } from './file-watch.ts'
import type { Logger } from './logger.ts'

/** How long a secret that was taken out of its file is let in: nodes get new files one after the other. */
export const CHANGE_OVER_MS = 60_000

export interface LiveSecretsOptions {
  readonly secrets: readonly Secret[]
  /** Absent: they are not from a file, and stay as they are. */
  readonly source?: SecretSource
  readonly watch: FileWatch
  readonly clock: Clock
  readonly logger: Logger
  /** For so long what was there before counts as well. Default: not at all. */
  readonly keptMs?: number
}

/** The secrets that a file holds, read anew when it changes and on SIGHUP; what cannot be used never takes the place of what can. */
export class LiveSecrets {
  readonly #options: LiveSecretsOptions
  readonly #listeners: (() => void)[] = []
  #current: readonly Secret[]
  #former: { readonly secrets: readonly Secret[]; readonly untilMs: number } | null = null

  constructor(options: LiveSecretsOptions) {
    this.#options = options
    this.#current = options.secrets
    const { source, watch } = options
    if (source !== undefined) watch.follow([source.file], (why) => this.#reread(source, why))
  }

  /** Those that let in: what the file holds, and for a while what it held before. */
  get accepted(): readonly Secret[] {
    const { clock } = this.#options
    const former = this.#former !== null && clock.nowMs() < this.#former.untilMs ? this.#former.secrets : []
    return [...this.#current, ...former]
  }

  /** The one to show to others, as it is whenever it is revealed. `undefined`: there is none. */
  get shown(): Secret | undefined {
    return this.#current.length === 0 ? undefined : new NewestSecret(() => this.#current[0]!)
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #reread(source: SecretSource, why: string): void {
    const { logger, keptMs = 0, clock, watch } = this.#options
    const { name, file } = source
    let read: readonly Secret[]
    try {
      read = source.read()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return logger.error('secrets_unusable', `${name}: ${message}; what the file held before stays in use`, { file })
    }
    const isSame = read.length === this.#current.length && read.every((secret, i) => secret.reveal() === this.#current[i]!.reveal())
    if (isSame) return
    if (keptMs > 0) this.#former = { secrets: this.#current, untilMs: clock.nowMs() + keptMs }
    this.#current = read
    const kept = keptMs === 0 ? '' : `; what it held before is let in for ${keptMs / 1000} s more`
    logger.info('secrets_reread', `${name}: the file ${file} was read anew (${why}) and holds ${read.length} secret(s)${kept}`, { file })
    this.#tell()
    if (keptMs > 0) watch.after(keptMs, () => this.#tell())
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

class NewestSecret extends Secret {
  readonly #of: () => Secret

  constructor(of: () => Secret) {
    super('')
    this.#of = of
  }

  override reveal(): string {
    return this.#of().reveal()
  }
}
