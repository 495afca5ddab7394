import type { Kernel } from './kernel.ts'
import type { Path } from './path.ts'

/** How often something is sent again over a line that does not work. */
const RETRANSMIT_MS = 200

/** One small message on its way: the network tries again until it gets through, or whoever asked gives up. */
export function travel(kernel: Kernel, path: Path, arrived: () => void): void {
  const arrive = () => {
    if (path.stalled) kernel.after(RETRANSMIT_MS, arrive)
    else arrived()
  }
  kernel.after(path.delayMs(), arrive)
}
