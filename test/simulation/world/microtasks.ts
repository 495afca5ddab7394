import { setFlagsFromString } from 'node:v8'

/**
 * Runs every promise callback that is due, and those that these make due, before it returns: the engine's own
 * microtask checkpoint. With it a whole simulation is one synchronous call, which costs a hundredth of a turn of the
 * event loop per event and leaves nothing to the loop's order. Does nothing when called from within a microtask.
 */
export const drainMicrotasks: () => void = makeDrain()

function makeDrain(): () => void {
  setFlagsFromString('--allow-natives-syntax')
  // The flag counts when the text is compiled, so that the rest of the program does not get it.
  const drain = new Function('%PerformMicrotaskCheckpoint()') as () => void
  drain()
  setFlagsFromString('--no-allow-natives-syntax')
  return drain
}

/**
 * Calls `run` where microtasks can be drained, that is in a turn of the event loop of its own.
 * @throws Error when this engine does not drain.
 */
export function inOwnTurn<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        assertDrains()
        resolve(run())
      } catch (error) {
        reject(error)
      }
    })
  })
}

function assertDrains(): void {
  let steps = 0
  const chain = async () => {
    for (; steps < 100; steps++) await undefined
  }
  void chain()
  drainMicrotasks()
  if (steps !== 100) throw new Error('this engine does not run microtasks on demand: the simulation cannot be deterministic')
}
