import type { Hub } from '../hub/index.ts'
import type { Sessions } from '../session/index.ts'
import type { GatewayInput, LinkCounts } from './gateway-input.ts'
import type { Link } from './link.ts'

/** A push node in the same process. */
export interface PushBeside {
  readonly hub: Hub
  readonly ready: boolean
}

const NO_LINKS: readonly Link[] = []
const NO_COUNTS: LinkCounts = { taken: 0, duplicates: 0, gaps: 0, refills: 0 }

/**
 * The hub of the push node in the same process, for a gateway that has no other: an update is neither encoded, sent and
 * decoded again nor held twice (docs/decisions/0016-one-hub-in-one-process.md). Who feeds it, checks it and closes it is
 * the push node.
 */
export class SharedInput implements GatewayInput {
  readonly hub: Hub
  readonly links = NO_LINKS
  readonly counts = NO_COUNTS
  readonly #push: PushBeside

  constructor(push: PushBeside) {
    this.#push = push
    this.hub = push.hub
  }

  get beside(): string {
    return this.hub.nodeId
  }

  linkFacts() {
    return []
  }

  unlinkedFacts() {
    return []
  }

  get ready(): boolean {
    return this.#push.ready
  }

  serve(sessions: Sessions): void {
    this.hub.listen(sessions)
  }

  open(): void {}
  check(): void {}
  close(): void {}
}
