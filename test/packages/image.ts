/** What the container image says of itself, taken from its Dockerfile and the compose file beside it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { parse } from 'yaml'

export const DEPLOY = join(import.meta.dirname, '../../deploy/docker')

export interface Image {
  readonly entrypoint: readonly string[]
  readonly healthcheck: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly user: number
  /** Manifests of workspaces that are there when dependencies are installed. */
  readonly manifests: readonly string[]
}

export interface ComposeService {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly read_only?: boolean
  readonly profiles?: readonly string[]
}

export const dockerfileText = (): string => readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8')

export function image(): Image {
  const file = DockerfileParser.parse(dockerfileText())
  const words = (instruction: { getArgumentsContent(): string | null } | undefined): string[] =>
    JSON.parse(/\[.*\]/s.exec(instruction?.getArgumentsContent() ?? '[]')![0]) as string[]
  const last = (keyword: string) => file.getInstructions().findLast((each) => each.getKeyword() === keyword)
  return {
    entrypoint: words(last('ENTRYPOINT')),
    healthcheck: words(last('HEALTHCHECK')),
    env: Object.fromEntries(file.getENVs().flatMap((env) => env.getProperties().map((each) => [each.getName(), each.getValue() ?? '']))),
    user: Number(last('USER')?.getArgumentsContent()?.split(':')[0]),
    manifests: file
      .getCOPYs()
      .flatMap((copy) => copy.getArguments().map(String))
      .filter((path) => path.endsWith('/package.json')),
  }
}

export function composeServices(): Readonly<Record<string, ComposeService>> {
  const file = parse(readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8'), { merge: true }) as {
    readonly services: Readonly<Record<string, ComposeService>>
  }
  return file.services
}
