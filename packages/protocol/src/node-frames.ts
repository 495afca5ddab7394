/** Frames that nodes send each other, and a client never sees unless it asks: questions of operators, and traces. */
import { CLIENT_FRAMES, count, flag, list, object, optional, shape, text, type Check, type Frames } from './frame-checks.ts'

const texts: Check = (value) => object(value) && Object.values(value as object).every(text)

/** What a node takes. */
export const NODE_FRAMES: Required<Frames> = /* @__PURE__ */ (() => ({
  ...CLIENT_FRAMES,
  ask: shape({
    id: count,
    path: optional(list(text)),
    question: optional(text),
    args: optional(texts),
    who: optional(text),
    proof: optional(text),
    ack: optional(count),
    cancel: optional(flag),
  }),
  trace: shape({ ref: count, traceparent: text, tracestate: optional(text) }),
  told: shape({
    id: count,
    node: text,
    seq: optional(count),
    chunk: optional(text),
    code: optional(text),
    message: optional(text),
    last: optional(flag),
  }),
}))()
