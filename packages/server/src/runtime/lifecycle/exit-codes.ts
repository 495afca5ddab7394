/** How the process ends; docs/errors.md lists the same ones, a test keeps both equal. */
export const EXIT_CODES = {
  clean: [0, 'Ended as asked, everything drained and closed.'],
  failure: [1, 'A service failed, at start or later, or did not close without an error.'],
  configuration: [2, 'The configuration or the command line has mistakes; each is printed.'],
  forced: [3, 'Ended by force: a deadline of the shutdown passed, or a second signal came.'],
  stuck: [4, 'A stage passed its deadline and did not come back; the watchdog ended the process.'],
  blocked: [5, 'The event loop was blocked and did not come back; the watchdog ended the process.'],
} as const satisfies Record<string, readonly [number, string]>

export type ExitReason = keyof typeof EXIT_CODES

export function exitCode(reason: ExitReason): number {
  return EXIT_CODES[reason][0]
}

/** Signals that end the process where no exit code can be kept. */
export const EXIT_SIGNALS = {
  SIGABRT: 'V8 ran out of memory; or the main thread hung in native code or a system call, where only a signal reaches it.',
  SIGKILL: 'Ended from outside: by an operator, by the kernel for want of memory, or by a supervisor whose patience ended.',
} as const
