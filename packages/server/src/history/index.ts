export type { SessionEvent, SessionNotes } from './event.ts'
export { readSessionEvents } from './read-topic.ts'
export { SessionHistory } from './session-history.ts'
export { TopicWriter } from './topic-writer.ts'
