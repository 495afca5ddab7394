export { eventsAnswer, eventsQuery, topologyAnswer, TOPOLOGY_EVENTS } from './schemas.ts'
export type { EventsAnswer, Topology, TopologyEvent, TopologyEventKind, TopologyFeed, TopologyNode } from './schemas.ts'
export { TopologyBook } from './topology-book.ts'
export { topologyOf, type TopologySource } from './topology.ts'
