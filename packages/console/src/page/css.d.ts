/** Vite bundles them; to TypeScript they are modules without exports. */
declare module '*.css'
