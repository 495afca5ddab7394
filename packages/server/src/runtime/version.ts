import packageJson from '../../package.json' with { type: 'json' }

/** Version of this software, as nodes name it to each other. */
export const VERSION: string = packageJson.version
