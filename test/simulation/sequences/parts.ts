/** Parts that are played alone, by sequences of commands that fast-check draws. */
import fc from 'fast-check'
import type { Violation } from '../../support/checker/report.ts'
import * as gateway from '../gateway/commands.ts'
import * as sender from '../sender/commands.ts'

export const PARTS = ['sender', 'gateway'] as const
export type Part = (typeof PARTS)[number]

interface Played<Setting, Command> {
  readonly settings: fc.Arbitrary<Setting>
  readonly commands: fc.Arbitrary<Command[]>
  /** @returns the first promise that was broken. */
  readonly play: (setting: Setting, sequence: readonly Command[]) => Violation | null
}

export interface SequencesFailure {
  /** Sequences of the seed that were played, with the one that failed. */
  readonly sequences: number
  readonly rule: string
  readonly message: string
}

export interface SequencesOptions {
  readonly part: Part
  readonly sequences: number
  readonly seed: number
  /** Makes the sequence that fails as short as it can be. */
  readonly shrink: boolean
}

/** Plays so many sequences of a seed. @returns the first that failed; `undefined` when none did. */
export function playPart(options: SequencesOptions): SequencesFailure | undefined {
  return options.part === 'sender' ? playAll(sender, options) : playAll(gateway, options)
}

/** @throws Error with the seed and the shortest sequence that fails. */
export function checkPart(part: Part, sequences: number, seed: number): void {
  const failure = playPart({ part, sequences, seed, shrink: true })
  if (failure !== undefined) throw new Error(failure.message)
}

function playAll<Setting, Command>(
  { settings, commands, play }: Played<Setting, Command>,
  { sequences, seed, shrink }: SequencesOptions,
): SequencesFailure | undefined {
  const property = fc.property(settings, commands, (setting, sequence) => {
    const failure = play(setting, sequence)
    if (failure !== null) throw failure
  })
  const result = fc.check(property, { numRuns: sequences, seed, endOnFailure: !shrink })
  if (!result.failed) return undefined
  const { errorInstance } = result
  const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)
  const rule = (errorInstance as Partial<Violation> | null)?.rule ?? 'threw'
  return { sequences: result.numRuns, rule, message: `${fc.defaultReportMessage(result)}\n${why}` }
}
