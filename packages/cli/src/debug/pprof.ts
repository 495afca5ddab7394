import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type FunctionInput, type LocationInput, Profile, type SampleInput, StringTable } from 'pprof-format'

type Node = Profiler.ProfileNode
const NS_PER_US = 1000n
const NS_PER_MS = 1_000_000n

/**
 * A CPU profile of V8 as pprof reads it: https://github.com/google/pprof/blob/main/proto/profile.proto, in gzip. Samples are
 * of wall time, as V8 takes them, so idle time is in it under V8's own name for it, `(idle)`.
 *
 * @param endedAtMs Unix time at which the profile ended; V8's own times are since some moment of the machine's.
 */
export async function pprofOf(profile: Profiler.Profile, endedAtMs: number): Promise<Uint8Array> {
  return promisify(gzip)(encode(profile, endedAtMs))
}

function encode(profile: Profiler.Profile, endedAtMs: number): Uint8Array {
  const strings = new StringTable()
  const text = (string: string): number => strings.dedup(string)
  const places = new Places(text)
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const callers = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, byId.get(id)!] as const)))
  const stackOf = (node: Node | undefined): number[] => {
    const stack: number[] = []
    for (let at = node; at !== undefined && at.callFrame.functionName !== '(root)'; at = callers.get(at.id)) stack.push(places.of(at))
    return stack
  }
  const samples = [...selfTimes(profile)].flatMap(([id, self]): SampleInput[] => {
    const node = byId.get(id)
    if (node === undefined) return []
    const outer = stackOf(callers.get(id))
    return byLine(node, self).map(({ line, count, us }) => ({
      locationId: [places.of(node, line), ...outer],
      value: [count, BigInt(us) * NS_PER_US],
    }))
  })
  const wall = { type: text('wall'), unit: text('nanoseconds') }
  const durationNanos = BigInt(profile.endTime - profile.startTime) * NS_PER_US
  return new Profile({
    sampleType: [{ type: text('samples'), unit: text('count') }, wall],
    defaultSampleType: wall.type,
    sample: samples,
    // What has functions and lines is not looked up in binaries of the reader's machine.
    mapping: [{ id: 1, filename: text('node'), hasFunctions: true, hasFilenames: true, hasLineNumbers: true }],
    location: places.locations,
    function: places.functions,
    stringTable: strings,
    timeNanos: BigInt(Math.round(endedAtMs)) * NS_PER_MS - durationNanos,
    durationNanos,
    periodType: wall,
    period: durationNanos / BigInt(Math.max(1, profile.samples?.length ?? 0)),
  }).encode()
}

interface Self {
  readonly count: number
  readonly us: number
}

/**
 * How long the process was at each node itself. A sample stands for the time until the next one, the first also for what
 * was before it, so that all of them together are the profile's time.
 */
function selfTimes({ samples = [], timeDeltas = [], startTime, endTime }: Profiler.Profile): Map<number, Self> {
  let atUs = startTime
  const taken = samples.map((id, i) => ({ id, atUs: (atUs += timeDeltas[i] ?? 0) }))
  // V8 may write a sample down after one that it took later.
  taken.sort((a, b) => a.atUs - b.atUs)
  const times = new Map<number, Self>()
  for (const [i, { id, atUs: ownUs }] of taken.entries()) {
    const fromUs = i === 0 ? startTime : ownUs
    const us = Math.max(0, (taken[i + 1]?.atUs ?? endTime) - fromUs)
    const { count, us: before } = times.get(id) ?? { count: 0, us: 0 }
    times.set(id, { count: count + 1, us: before + us })
  }
  return times
}

/** V8 counts on which lines of a function samples fell, not when: the function's time is shared out by those counts. */
function byLine({ positionTicks = [], callFrame }: Node, { count, us }: Self): (Self & { readonly line: number })[] {
  const own = { line: callFrame.lineNumber + 1, count, us }
  const ticks = positionTicks.reduce((sum, tick) => sum + tick.ticks, 0)
  if (ticks !== count) return [own]
  let leftUs = us
  return positionTicks.map(({ line, ticks: part }, i) => {
    const partUs = i === positionTicks.length - 1 ? leftUs : Math.floor((us * part) / ticks)
    leftUs -= partUs
    return { line, count: part, us: partUs }
  })
}

/** Functions and places in them, each once; ids are from 1. */
class Places {
  readonly functions: FunctionInput[] = []
  readonly locations: LocationInput[] = []
  readonly #text: (string: string) => number
  readonly #functionIds = new Map<string, number>()
  readonly #locationIds = new Map<string, number>()

  constructor(text: (string: string) => number) {
    this.#text = text
  }

  /** @param line Default: where the function begins. @returns the location's id. */
  of({ callFrame }: Node, line = callFrame.lineNumber + 1): number {
    const functionId = this.#function(callFrame)
    const key = `${functionId}:${line}`
    let id = this.#locationIds.get(key)
    if (id === undefined) {
      id = this.locations.push({ id: this.locations.length + 1, mappingId: 1, line: [{ functionId, line: Math.max(0, line) }] })
      this.#locationIds.set(key, id)
    }
    return id
  }

  #function({ functionName, url, scriptId, lineNumber, columnNumber }: Node['callFrame']): number {
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`
    let id = this.#functionIds.get(key)
    if (id === undefined) {
      const name = this.#text(functionName || '(anonymous)')
      const startLine = Math.max(0, lineNumber + 1)
      id = this.functions.push({
        id: this.functions.length + 1,
        name,
        systemName: name,
        filename: this.#text(fileOf(url)),
        startLine,
      })
      this.#functionIds.set(key, id)
    }
    return id
  }
}

/** `pprof -list` opens files, not addresses of them. */
function fileOf(url: string): string {
  return url.startsWith('file://') && URL.canParse(url) ? fileURLToPath(url) : url
}
