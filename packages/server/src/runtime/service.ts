/** Everything that runs has this one shape, so that a role starts its parts in order and closes them in reverse. */
export interface Service extends AsyncDisposable {
  /** Resolves once the service does its work. Aborting `signal` gives up the start. */
  start(signal: AbortSignal): Promise<void>
  /** Takes on nothing new and hands over what it has, within `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
  /** Frees everything. Idempotent; never rejects for something already gone. */
  close(): Promise<void>
  /** Resolves when closed; rejects when the service failed by itself. */
  readonly closed: Promise<void>
}
