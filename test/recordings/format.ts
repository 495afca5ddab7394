import type { Encoding } from '@pulsewire/protocol'

/** One message of a hop, as it was on the wire. */
export type HopMessage = { readonly from: 'sender' | 'receiver' } & ({ readonly hex: string } | { readonly text: string })

/** Everything that crossed one connection. */
export interface RecordedHop {
  readonly hop: string
  readonly encoding: Encoding
  /** `means`: its frames, as whoever received it understood them. */
  readonly messages: readonly (HopMessage & { readonly means: readonly unknown[] })[]
}

/** A record of one of the topics that nodes speak by. */
export interface TopicRecord {
  readonly topic: 'control' | 'quotes' | 'sessions'
  readonly key: string
  readonly value: string | null
}

export interface RecordedRecords {
  readonly records: readonly (TopicRecord & { readonly means: unknown })[]
}

/** All files of one version, by name. */
export type Recording = ReadonlyMap<string, RecordedHop | RecordedRecords>

/** A message a line, so that a change shows where it is. */
export function textOf(file: RecordedHop | RecordedRecords): string {
  const rows = (list: readonly unknown[]) => list.map((each) => `    ${JSON.stringify(each)}`).join(',\n')
  if ('records' in file) return `{\n  "records": [\n${rows(file.records)}\n  ]\n}\n`
  const { hop, encoding, messages } = file
  return `{\n  "hop": ${JSON.stringify(hop)},\n  "encoding": "${encoding}",\n  "messages": [\n${rows(messages)}\n  ]\n}\n`
}

export function isHop(file: RecordedHop | RecordedRecords): file is RecordedHop {
  return 'messages' in file
}
