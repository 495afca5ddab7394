import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from '../packages/run.ts'

/** The tool is not there and could not be built: nothing was checked. */
export class ToolMissing extends Error {}

/**
 * @param name as it is found in the path. @param module that Go builds it from otherwise, into the folder.
 * @returns where it is. @throws ToolMissing with what to install.
 */
export async function ensureGoTool(name: string, module: string, folder: string): Promise<string> {
  const found = [...(process.env['PATH'] ?? '').split(delimiter), folder].map((each) => join(each, name)).find((path) => existsSync(path))
  if (found !== undefined) return found
  console.log(`${name} is built by Go; the first time that takes minutes`)
  try {
    await run('env', [`GOBIN=${folder}`, 'go', 'install', module], folder)
  } catch (error) {
    throw new ToolMissing(`${name} is needed: install it, or Go (then: go install ${module})`, { cause: error })
  }
  return join(folder, name)
}
