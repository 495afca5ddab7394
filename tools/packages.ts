/** `npm run packages`: the packages as they are published, compiled, below `build/packages`, and a tarball of each. */
import { join } from 'node:path'
import { pack } from './packages/pack.ts'

const root = join(import.meta.dirname, '..')
for (const tarball of await pack(root, join(root, 'build/packages'))) console.log(tarball)
