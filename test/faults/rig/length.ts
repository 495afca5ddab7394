/** Whether rows run at the length that the table of faults names: `--all`. Shorter ones show the same, with less patience. */
export function isFullLength(): boolean {
  return process.env['FAULTS_FULL'] === '1'
}

export function lengthMs(full: number, short: number): number {
  return isFullLength() ? full : short
}
