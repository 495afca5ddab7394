/** Whether a control topic keeps what operators say: Kafka may be set to remove it. */
import { complaintOf, type Log, policyOf, type TopicComplaint } from '@pulsewire/server'
import { type Check, problem } from './check.ts'

/** @returns what is wrong with the settings of the topic; `null`: nothing, or they cannot be seen. */
export async function readComplaint(log: Log, topic: string): Promise<TopicComplaint | null> {
  const policy = await policyOf(log, topic)
  return policy === null ? null : complaintOf(policy, topic)
}

export function judgeComplaint(area: Check['area'], complaint: TopicComplaint | null, whose = ''): Check[] {
  if (complaint === null) return []
  const why =
    'nodes write again what they hold; once all were away for longer than it is kept, gateways that were taken offline are handed out and feeds are read where configurations say'
  return [problem(area, `${whose}${complaint.what}`, why, complaint.todo)]
}
