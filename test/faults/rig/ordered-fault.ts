import { once } from 'node:events'
import type { FaultNode } from './node.ts'

/** So that a node takes orders to break itself. */
export const FAULTS_ENABLED = { PULSEWIRE_FAULTS_ENABLED: 'true' } as const

/** Orders a node to break itself, as packages/server/src/runtime/faults says. */
export async function orderFault(node: FaultNode, fault: string): Promise<void> {
  const line = await node.process.line(({ code }) => code === 'faults_enabled')
  const response = await fetch(`http://127.0.0.1:${line['port']}/v1/faults/${fault}`, { method: 'POST' })
  if (response.status !== 202) throw new Error(`${node.id} refuses the fault ${fault}: ${await response.text()}`)
}

/** Waits until the node has ended by itself, and starts it again, as its supervisor would. @returns its exit code. */
export async function superviseOnce(node: FaultNode): Promise<number | null> {
  const { child } = node.process
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const code = await node.terminate()
  await node.start()
  return code
}
