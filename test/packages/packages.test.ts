/** The packages as they are published: installed into an empty project, and used there with each Node that they promise. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pack } from '../../tools/packages/pack.ts'
import { run } from '../../tools/packages/run.ts'
import { validate } from 'dockerfile-utils'
import { PulsewireCommand } from '../support/pulsewire-command.ts'
import { ContainerFiles } from './container.ts'
import { composeServices, dockerfileText, image } from './image.ts'

const ROOT = join(import.meta.dirname, '../..')
/** The oldest and the newest of each line that is maintained. */
const NODES = [22, 24] as const
/** What only we need, and an application must not be made to install. */
const OURS = ['typescript', 'vite', 'fast-check', 'playwright-core', 'knip', '@biomejs/biome', 'kafkajs', 'preact', 'uplot']

describe('published packages', { timeout: 290_000 }, () => {
  const project = mkdtempSync(join(tmpdir(), 'pulsewire-project-'))
  const npm = (...args: string[]) => run('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], project)

  before(async () => {
    const tarballs = await pack(ROOT, join(ROOT, 'build/packages-of-the-test'))
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'an-application', private: true, type: 'module' }))
    // An application that uses React brings its own; so does a server the types of Node.
    await npm('install', ...tarballs, 'react@19', 'react-dom@19', '@types/react@19', '@types/node@26')
    for (const file of ['consumer.mjs', 'consumer.ts', 'consumer-server.ts']) cpSync(join(import.meta.dirname, file), join(project, file))
  })
  after(() => rmSync(project, { recursive: true, force: true }))

  test('hold compiled files and declarations, no sources and no tests', () => {
    for (const folder of [
      '@pulsewire/protocol',
      '@pulsewire/client',
      '@pulsewire/react',
      '@pulsewire/server',
      '@pulsewire/console',
      'pulsewire',
    ]) {
      const files = readdirSync(join(project, 'node_modules', folder), { recursive: true, encoding: 'utf8' }).filter(
        (file) => !file.includes('node_modules'),
      )
      assert.deepEqual(
        files.filter((file) => /\.test\.|test-support|(?<!\.d)\.tsx?$/.test(file)),
        [],
      )
      if (folder === '@pulsewire/client')
        assert.ok(files.includes('browser/pulsewire.min.js') && files.includes('browser/pulsewire.full.min.js'))
      assert.ok(files.includes('LICENSE') && files.includes('README.md') && files.includes('package.json'), files.join())
    }
    assert.ok(readdirSync(join(project, 'node_modules/@pulsewire/console/dist')).includes('index.html'))
  })

  test('bring nothing along that only their own development needs; the client brings nothing but the protocol', async () => {
    const installed = Object.keys(JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')).packages as object)
    assert.deepEqual(
      OURS.filter((name) => installed.includes(`node_modules/${name}`)),
      [],
    )
    const client = JSON.parse(readFileSync(join(project, 'node_modules/@pulsewire/client/package.json'), 'utf8'))
    assert.deepEqual(Object.keys(client.dependencies), ['@pulsewire/protocol'])
  })

  test('declare types that an application is checked against, strictly', async () => {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2023',
    }
    const browser = { ...compilerOptions, lib: ['es2023', 'esnext.disposable', 'dom', 'dom.asynciterable'], types: [] }
    const server = { ...compilerOptions, lib: ['es2023', 'esnext.disposable'], types: ['node'] }
    for (const [file, options] of [
      ['consumer.ts', browser],
      ['consumer-server.ts', server],
    ] as const) {
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [file] }))
      await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], project)
    }
  })

  for (const major of [...NODES, 26]) {
    test(`work under Node ${major}: the command runs the demo, and an application reads quotes that are proven fresh`, async () => {
      const node = major === 26 ? process.execPath : await nodeOf(major)
      const main = join(project, 'node_modules/pulsewire/lib/main.js')
      const demo = new PulsewireCommand(['demo', '--port', '0', '--symbols', '20', '--rate', '50'], { node, main })
      try {
        const gateway = /ws:\S+/.exec(await demo.line(/Gateways:/))![0]
        const { node: version, last } = JSON.parse(await run(node, ['consumer.mjs', gateway], project))
        assert.match(version, new RegExp(`^v${major}\\.`))
        assert.equal(typeof last, 'number')
      } finally {
        demo.child.kill('SIGTERM')
      }
      assert.equal(await demo.code, 0, demo.output)
    })
  }

  describe('the image', () => {
    let files: ContainerFiles
    before(() => {
      files = new ContainerFiles(image(), join(project, 'node_modules'))
    })
    after(() => files[Symbol.dispose]())

    test('is described without a mistake, and installs what every package of the workspace needs', () => {
      assert.deepEqual(validate(dockerfileText()), [])
      const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly workspaces: string[] }
      assert.deepEqual(
        image().manifests,
        workspaces.map((folder) => `${folder}/package.json`),
      )
      assert.ok(files.image.user > 0, 'it does not run as root')
    })

    // Without Kafka: none of this may depend on it.
    const nodes = Object.entries(composeServices()).filter(
      ([, service]) => service.image === 'pulsewire:local' && service.profiles === undefined,
    )
    const one = new Map(nodes.map(([name, service]) => [service.command![0]!, { name, service }]))
    for (const [role, { name, service }] of one) {
      test(`runs ${name} as a user without rights, from files that it cannot write, and is alive without Kafka`, async () => {
        const listen = role === 'pulse' ? [] : ['--set', `${role}.listen.port=0`]
        const page = role === 'balancer' ? ['--set', 'console.listen.port=0'] : []
        const args = [...service.command!, ...listen, ...page, '--set', 'log.brokers=127.0.0.1:1']
        await using node = await files.start(args, { ...service.environment, PULSEWIRE_OPERATOR_SECRET_FILE: '/run/secrets/operator' })
        assert.equal((await node.probe('/live')).status, 200, node.output)
        // A pulse writer takes no work from anybody: it is ready when it runs, which is a moment after its port answers.
        if (role === 'pulse') await node.probe('/ready', 200)
        else assert.equal((await node.probe('/ready')).status, 503, node.output)
        assert.equal(await node.health(), 0)
        assert.equal(await node.stop(), 0, node.output)
        assert.doesNotMatch(node.output, /EACCES|EROFS/)
      })
    }

    test('every other service of the compose file is a role that the file runs twice', () => {
      for (const [name, { command }] of nodes) assert.ok(one.has(command![0]!), name)
      assert.deepEqual([...one.keys()], ['push', 'gateway', 'balancer', 'pulse'])
      for (const role of one.keys()) assert.equal(nodes.filter(([, { command }]) => command![0] === role).length, 2)
    })
  })

  /** npm has Node itself. */
  async function nodeOf(major: number): Promise<string> {
    const name = `node-${process.platform}-${process.arch}`
    const prefix = join(project, `node-${major}`)
    await npm('install', '--prefix', prefix, `${name}@${major}`)
    return join(prefix, 'node_modules', name, 'bin/node')
  }
})
