/**
 * Loaded into a real node before its own code: its wall clock jumps by an hour with each SIGUSR2, forth and back again
 * by turns. Monotonic time goes on, as when somebody sets the machine's clock.
 */
const HOUR_MS = 3_600_000
const RealDate = Date
const realNow = Date.now
let offsetMs = 0
let jumps = 0

Date.now = () => realNow() + offsetMs
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], self) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args, self) as object,
  apply: () => new RealDate(Date.now()).toString(),
})

process.on('SIGUSR2', () => {
  offsetMs = [HOUR_MS, -HOUR_MS, 0][jumps++ % 3]!
  process.stderr.write(
    `${JSON.stringify({ level: 'info', code: 'wall_clock', msg: `the wall clock is off by ${offsetMs} ms`, now: Date.now() })}\n`,
  )
})
