import { execFile } from 'node:child_process'

const COMMAND = 'systemd-notify'
const COMMAND_TIMEOUT_MS = 2000

/** Who started the process and wants to hear from it. */
export interface Supervisor {
  ready(): void
  stopping(): void
  /** All is well, as far as the watchdog sees. To be called at each look; it passes on what is asked for. */
  alive(nowMs: number): void
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * systemd, through its own `systemd-notify`: Node has no datagram sockets of the UNIX kind. A process that nobody waits
 * for (no NOTIFY_SOCKET) says nothing.
 *
 * @param failed called with the reason when the command does not work, the first time only
 */
export function supervisorOf(environment: Environment, failed: (why: string) => void): Supervisor {
  if ((environment['NOTIFY_SOCKET'] ?? '') === '') return { ready() {}, stopping() {}, alive() {} }
  let hasFailed = false
  const tell = (...words: readonly string[]): void => {
    execFile(COMMAND, [...words], { timeout: COMMAND_TIMEOUT_MS, env: { ...environment } }, (error) => {
      if (error === null || hasFailed) return
      hasFailed = true
      failed(`${COMMAND} ${words.join(' ')}: ${error.message}`)
    })
  }
  // Three chances before systemd loses patience.
  const intervalMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1000 / 3
  let toldAtMs = -Infinity
  return {
    ready: () => tell('--ready'),
    stopping: () => tell('STOPPING=1'),
    alive(nowMs) {
      if (!(intervalMs > 0) || nowMs - toldAtMs < intervalMs) return
      toldAtMs = nowMs
      tell('WATCHDOG=1')
    },
  }
}
