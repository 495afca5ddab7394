/** What V8's profiler gives: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number; readonly columnNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples?: readonly number[]
  readonly startTime: number
  readonly endTime: number
}

export interface HotStack {
  /** Of the samples in which anything ran. */
  readonly percent: number
  /** Innermost first. */
  readonly frames: readonly string[]
}

const STACKS_MAX = 10
const FRAMES_MAX = 30
/** What V8 calls the time in which nothing ran. */
const IDLE = ['(idle)', '(program)', '(root)']

/** Where the main thread was, most often first, and for which part of the time it was idle. */
export function hottestStacks({ nodes, samples = [] }: CpuProfile): { readonly idlePercent: number; readonly stacks: readonly HotStack[] } {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const counts = new Map<number, number>()
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1)
  const isIdle = (id: number): boolean => IDLE.includes(byId.get(id)?.callFrame.functionName ?? '')
  const idle = [...counts].reduce((sum, [id, count]) => (isIdle(id) ? sum + count : sum), 0)
  const busy = samples.length - idle
  const stacks = [...counts]
    .filter(([id]) => !isIdle(id))
    .sort(([, a], [, b]) => b - a)
    .slice(0, STACKS_MAX)
    .map(([id, count]) => ({ percent: percentOf(count, busy), frames: framesFrom(id) }))
  return { idlePercent: percentOf(idle, samples.length), stacks }

  function framesFrom(id: number): string[] {
    const frames: string[] = []
    for (let at: number | undefined = id; at !== undefined && frames.length < FRAMES_MAX; at = parents.get(at)) {
      const { functionName, url, lineNumber, columnNumber } = byId.get(at)!.callFrame
      if (functionName !== '(root)')
        frames.push(`${functionName || '(anonymous)'} (${url || 'native'}:${lineNumber + 1}:${columnNumber + 1})`)
    }
    return frames
  }
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1000) / 10
}
