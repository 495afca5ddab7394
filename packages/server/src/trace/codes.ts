/** What a trace can find: the meaning, and what to do. docs/trace.md lists the same; a test keeps both equal. */
export const TRACE_CODES = {
  all_well: ['Everything on the way is as it should be.', 'If the screen shows something else, look at the app.'],
  symbol_quiet: [
    'Everything on the way is fresh; no record of the symbol has come for a while.',
    'Ask whoever writes the topic whether there was something to write.',
  ],
  user_unknown: [
    'No gateway that answered has a session of the user.',
    'See `pulsewire sessions` for where the user was last; else the app has never reached a gateway.',
  ],
  gateway_silent: [
    'A gateway does not answer; the session may be there.',
    'Look at its process: it is frozen or blocked. Clients move by themselves.',
  ],
  client_zero_window: [
    'The client reads nothing: its host has no room left.',
    'The app hangs, or its process was stopped. It is cut by itself.',
  ],
  client_frozen: [
    "The client's host takes what it is sent, but the client acknowledges nothing.",
    'The app was suspended, or hangs. It is cut by itself.',
  ],
  client_unreachable: [
    "Not even the client's host acknowledges anything.",
    'The network of the client is gone; the app reconnects when it is back.',
  ],
  client_slow: [
    'The client takes less than it is sent: its updates are conflated.',
    'Its line is thin: fewer symbols, fields, or a `maxRate`.',
  ],
  client_late: ['The client acknowledges late.', 'If it lasts, it becomes slow or frozen; look again in some seconds.'],
  feed_unknown: ['The gateway has no such feed.', 'Correct `--feed`; else look at `feeds` of the push nodes and `gateway.feeds`.'],
  not_subscribed: [
    'The session does not subscribe to the symbol.',
    'The app did not subscribe, or unsubscribed. See `pulsewire sessions`.',
  ],
  subscription_lost: [
    'The client holds more subscriptions than its gateway knows of: some were lost on the way.',
    'It is repaired within 5 s: both ends compare digests with each pulse. If it comes again, report it.',
  ],
  subscription_refused: ['The push nodes refuse the symbol.', 'The message says why.'],
  subscription_waiting: ['The subscription is not answered yet.', 'No push node has answered; see the other findings.'],
  not_delivered: [
    'The update is at the gateway, but the session was not sent it.',
    'Look at the gateway: `pulsewire debug GATEWAY stacks`.',
  ],
  gateway_unlinked: ['The gateway has no link to any push node.', 'Look at `gateway.upstreams`, or at the leases: `pulsewire nodes`.'],
  gateway_not_asking: [
    'The gateway holds the subscription, but no push node was asked for it, or has forgotten it.',
    'It is repaired by digests within 5 s. If not, restart the gateway, and report it.',
  ],
  gateway_resyncing: [
    'Push nodes have the symbol, but their image has not arrived at the gateway.',
    'It is being repaired; look again in some seconds.',
  ],
  gateway_behind: [
    'The gateway holds an older record than a push node that it is linked to.',
    'Look at the link and at the gateway: `pulsewire debug GATEWAY stages`.',
  ],
  gateway_stuck: [
    'A stage of the gateway is past its deadline.',
    'Who holds it: `pulsewire debug GATEWAY stages` while it lasts, `report` afterwards. Clients move by themselves; its watchdog ends it within 15 s.',
  ],
  no_carrier: [
    "No push node that the gateway is linked to has the symbol's partition.",
    'Start push nodes, or look at what they share: `pulsewire nodes`.',
  ],
  line_uncovered: [
    "No push node of one line has the symbol's partition; the other line stands in.",
    'If it lasts, start push nodes of that line, or look at what they share: `pulsewire nodes`.',
  ],
  push_silent: [
    'A push node is frozen or blocked: connected, but it says nothing.',
    'Its watchdog or supervisor restarts it. Its stack: `pulsewire debug NODE report` when it is back.',
  ],
  push_gone: [
    "A push node's lease expired: it beats no more, and gateways have turned away from it.",
    'See its process and its host: frozen, ended, or cut off from the log. Its stack: `pulsewire debug NODE report` when it is back.',
  ],
  push_stuck: [
    'A stage of a push node is past its deadline.',
    'Who holds it: `pulsewire debug NODE stages` while it lasts, `report` afterwards. Its watchdog ends it within 15 s.',
  ],
  push_down: ['A push node cannot be connected to.', 'Start it, or look at the network between.'],
  push_unreachable: ["Not even a push node's host acknowledges anything.", 'Its host, or the line to it, is gone.'],
  push_unasked: ['A push node takes no questions, so only what the gateway sees of it is known.', 'Give it the operator secret.'],
  push_without_partition: [
    "A push node does not read the symbol's partition, though its gateway counts on it.",
    'Look at `push.partitions`, or at the leases of its line.',
  ],
  push_without_feed: ['A push node has no such feed.', 'Its configuration lacks the feed.'],
  delay_differs: [
    'A push node shows the feed with another delay than its gateway, which takes nothing of it from there.',
    'Configure `push.delayedFeeds` the same on all push nodes.',
  ],
  push_warming: ['A push node is still reading in.', 'Wait; how much it reads is `feeds[].warmup`.'],
  push_behind: ["A push node is behind the log's end.", 'It reads too slowly, or its reader hangs: `pulsewire debug NODE stages`, `cpu`.'],
  reader_stalled: [
    "A push node's reader of the log makes no progress.",
    'It is made anew by itself; `pulsewire debug NODE stages` says what is waited for.',
  ],
  generation_retired: [
    'A push node reads a generation of the feed that is over, or one that nothing confirms.',
    'It is pinned, old or wrongly configured: stop it, or restart it with the current configuration.',
  ],
  log_unreachable: ['The log cannot be read.', 'Look at Kafka: nothing in Pulsewire can help.'],
  topic_missing: ['The topic does not exist.', 'Create it, or correct `feeds[].topic`.'],
  topic_recreated: ['The topic was deleted and created again.', 'Raise the generation of the feed.'],
  topic_silent: ['Neither records nor pulses are written to the topic.', 'No pulse writer is running for it, and its producer is still.'],
  pulse_writers_gone: ['Records flow but no pulses do, so freshness cannot be proven.', 'Start pulse writers: `pulsewire pulse`.'],
  pulses_late: ['Pulses arrive, but too old.', 'Somebody between the pulse writer and that hop is slow: the ages say who.'],
  symbol_unknown: [
    'The feed has never had a record of the symbol, as far as push nodes hold it.',
    'Is the symbol right? Else its producer has written nothing within `warmup.spanMs`.',
  ],
  symbol_deleted: ['The symbol was deleted in the log.', 'A tombstone was written; the next record brings it back.'],
  feed_full: ['The feed holds as many symbols as it may, and this one is not among them.', 'Raise `feeds[].symbolsMax`.'],
} as const satisfies Readonly<Record<string, readonly [meaning: string, remedy: string]>>

export type TraceCode = keyof typeof TRACE_CODES
