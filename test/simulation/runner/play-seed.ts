import { Scenario, type ScenarioOptions, type ScenarioResult } from '../scenario.ts'
import { inOwnTurn } from '../world/microtasks.ts'

export interface SeedResult extends Omit<ScenarioResult, 'failure'> {
  readonly failure: { readonly rule: string; readonly message: string } | null
}

/** Plays one seed. What the code under test throws is a failure of its seed too. */
export async function playSeed(seed: number, options: ScenarioOptions): Promise<SeedResult> {
  const scenario = new Scenario(seed, options)
  try {
    const result = await inOwnTurn(() => scenario.run())
    const { failure } = result
    return { ...result, failure: failure === null ? null : { rule: failure.rule, message: failure.message } }
  } catch (error) {
    const message = `threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    return { ...scenario.result(), failure: { rule: 'threw', message } }
  }
}
