import { PulsewireError } from '@pulsewire/server'
import type { Quote } from './source.ts'

/** Quotes of a simulated market, without end. */
export async function* marketQuotes(options: { readonly symbols: number; readonly seed: number }): AsyncGenerator<Quote> {
  throw new PulsewireError('produce_market', `no simulated market here (${options.symbols} symbols asked for)`)
}
