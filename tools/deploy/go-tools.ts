import { join } from 'node:path'
import { findProgram } from '../in-path.ts'
import { run } from '../packages/run.ts'

/** There is no Go that could bring it: nothing was checked. */
export class ToolMissing extends Error {}

/** What Go was to bring is not there: for want of Go, or although it is there, which is a failure like any other. */
export function notBrought(message: string, cause: unknown): Error {
  return findProgram('go') === undefined ? new ToolMissing(message, { cause }) : new Error(message, { cause })
}

/**
 * @param name as it is found in the path. @param module that Go builds it from otherwise, into the folder.
 * @returns where it is. @throws ToolMissing, or Error where Go is there, with what to install.
 */
export async function ensureGoTool(name: string, module: string, folder: string): Promise<string> {
  const found = findProgram(name, [folder])
  if (found !== undefined) return found
  console.log(`${name} is built by Go; the first time that takes minutes`)
  try {
    await run('env', [`GOBIN=${folder}`, 'go', 'install', module], folder)
  } catch (error) {
    throw notBrought(`${name} is needed: install it, or Go (then: go install ${module})`, error)
  }
  return join(folder, name)
}
