/** How the process ends; docs/errors.md lists the same ones, a test keeps both equal. */
export const EXIT_CODES = {
  clean: [0, 'Ended as asked, everything drained and closed.'],
  failure: [1, 'A service failed, at start or later, or did not close without an error.'],
  configuration: [2, 'The configuration or the command line has mistakes; each is printed.'],
  forced: [3, 'Ended by force: a deadline of the shutdown passed, or a second signal came.'],
} as const satisfies Record<string, readonly [number, string]>

export type ExitReason = keyof typeof EXIT_CODES

export function exitCode(reason: ExitReason): number {
  return EXIT_CODES[reason][0]
}
