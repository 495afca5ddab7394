export { decodeJson, protobufDecoder, type DecodeFields } from './codec.ts'
export { decodePulse, encodePulse, isPulseKey, type PulseRecord } from './pulse-record.ts'
