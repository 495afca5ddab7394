import { Fuzzer, type Finding } from './fuzzer.ts'
import type { Branches } from './instrument.ts'
import type { Target } from './target.ts'

export interface Progress {
  readonly fuzzers: readonly Fuzzer[]
  readonly inputs: number
}

/** Inputs of a target in a row, for each of its weight; then it is the next one's turn. */
const TURN = 100

/**
 * Spreads inputs over targets by their weights. A target that has a finding gets no more.
 * @param told between turns; `false`: it ends here.
 */
export async function campaign(
  targets: readonly Target[],
  options: { readonly inputs: number; readonly seed: number; readonly branches: Branches },
  told: (progress: Progress) => boolean = () => true,
): Promise<{ readonly fuzzers: readonly Fuzzer[]; readonly findings: readonly Finding[] }> {
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0)
  const fuzzers = targets.map((target) => new Fuzzer(target, options.seed, options.branches))
  const findings: Finding[] = []
  const open = new Map(fuzzers.map((fuzzer) => [fuzzer, Math.ceil((options.inputs * fuzzer.target.weight) / weights)]))
  for (const fuzzer of fuzzers) {
    const finding = await fuzzer.begin()
    if (finding === undefined) continue
    findings.push(finding)
    open.delete(fuzzer)
  }
  while (open.size > 0) {
    for (const [fuzzer, left] of open) {
      const turn = Math.min(Math.ceil(TURN * fuzzer.target.weight), left)
      const finding = await fuzzer.run(turn)
      if (finding !== undefined) findings.push(finding)
      if (finding !== undefined || left === turn) open.delete(fuzzer)
      else open.set(fuzzer, left - turn)
    }
    if (!told({ fuzzers, inputs: fuzzers.reduce((sum, { inputs }) => sum + inputs, 0) })) break
  }
  return { fuzzers, findings }
}
