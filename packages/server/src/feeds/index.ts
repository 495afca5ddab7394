export { decodeJson, protobufDecoder, type DecodeFields } from './codec.ts'
export { decodePulse, encodePulse, isPulseKey, PULSE_KEY, type PulseRecord } from './pulse-record.ts'
