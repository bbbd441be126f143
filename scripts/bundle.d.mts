import type { BuildOptions } from 'esbuild'

/** Options of a build of lab, but for what is built and where to. */
export const BUNDLE: BuildOptions
