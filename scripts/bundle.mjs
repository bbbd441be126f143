// How sources become what Node runs: lab itself (build.mjs) and its benches. The packages are in it, since looking for
// hundreds of small files is most of what starting a command takes.

/**
 * dockerode without its parts for BuildKit: lab builds without it, and they load gRPC and protobufjs, which are larger than
 * all the rest.
 */
const withoutBuildKit = {
  name: 'without-buildkit',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/(session|buildkit)$/ }, ({ importer }) =>
      /[\\/]dockerode[\\/]/.test(importer) ? { path: 'buildkit', namespace: 'absent' } : undefined,
    )
    bundler.onLoad({ filter: /^buildkit$/, namespace: 'absent' }, () => ({
      contents: `module.exports = () => { throw new Error('lab does without BuildKit') }`,
    }))
  },
}

// What packages of the older kind take for granted.
const COMMON_JS = `import { createRequire as requireFrom } from 'node:module'
const require = requireFrom(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;`

export const BUNDLE = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Programs of their own, or built for this machine.
  external: ['esbuild', 'node-pty', 'cpu-features'],
  loader: { '.node': 'copy' },
  banner: { js: COMMON_JS },
  minifyWhitespace: true,
  plugins: [withoutBuildKit],
  logLevel: 'warning',
}
