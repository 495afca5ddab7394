/** What the watchdog's thread knows by itself, in Prometheus' text format; docs/metrics.md lists the names. */
export const THREAD_METRICS = {
  pulsewire_main_thread_answers:
    '1 when the main thread answered this scrape within a second; 0: its event loop is blocked, or metrics cannot be read, and the others are missing.',
  pulsewire_overdue:
    '1 while a stage of the process, or its event loop, has passed its deadline; said also while the event loop is blocked.',
} as const

export function threadMetrics({
  node,
  answers,
  stuck,
}: {
  readonly node: string
  readonly answers: boolean
  readonly stuck: boolean
}): string {
  const values: Readonly<Record<keyof typeof THREAD_METRICS, number>> = {
    pulsewire_main_thread_answers: Number(answers),
    pulsewire_overdue: Number(stuck),
  }
  const label = `{node="${node.replaceAll(/[\\"\n]/g, '_')}"}`
  return Object.entries(THREAD_METRICS)
    .map(([name, help]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${label} ${values[name as keyof typeof values]}\n`)
    .join('')
}
