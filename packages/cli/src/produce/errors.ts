import { PulsewireError } from '@pulsewire/server'

export const PRODUCE_ERROR_CODES = {
  produce_format: 'The file is neither CSV nor NDJSON, by the end of its name.',
  produce_empty: 'The file holds no usable quote.',
} as const

export class ProduceError extends PulsewireError {
  constructor(code: keyof typeof PRODUCE_ERROR_CODES, message: string) {
    super(code, message)
  }
}
