import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import { BASE_IMAGE } from '../../model/names.ts'
import type { Progress } from '../../model/provider.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { aptInstall, asRoot, findProgram, hasApt, rootPrefix } from './host-root.ts'
import { buildImage, followEngine } from './image-build.ts'
import { aptMirrors } from './apt-sources.ts'
import { IMAGE_LABEL } from './image-recipe.ts'

const RELEASE = 'trixie'

/** A registry that has not begun to answer after this is out of reach; one that has may take as long as it needs. */
const FIRST_ANSWER_MS = 10_000
const STALLED_MS = 30_000

/**
 * Makes the base image: from `debian:trixie-slim`, the host's own or Docker Hub's, else from a Debian mirror with
 * mmdebstrap. Says which. Throws `BASE_IMAGE` when neither is possible.
 */
export async function makeBaseImage(
  engine: Docker,
  tag: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const build = (rootfs: string) => buildImage(engine, 'base', { tag, args: { ROOTFS: rootfs }, progress, signal })
  if ((await unlessStatus(engine.getImage(BASE_IMAGE).inspect(), 404)) !== undefined) {
    progress(`base image: from this host's own ${BASE_IMAGE}`)
    await build(BASE_IMAGE)
    return
  }
  const refused = await pull(engine, progress, signal)
  if (refused === undefined) {
    progress(`base image: from ${BASE_IMAGE} of Docker Hub`)
    await build(BASE_IMAGE)
    // What was pulled lives on in the labelled image; the tag would be the only thing of lab's without a label.
    await unlessStatus(engine.getImage(BASE_IMAGE).remove({ noprune: true }), 404, 409)
    return
  }
  progress(`base image: from a Debian mirror with mmdebstrap (Docker Hub: ${refused})`)
  const rootfs = await bootstrap(engine, refused, progress, signal)
  await build(rootfs)
}

/** Pulls the image; what kept it from coming otherwise. */
async function pull(engine: Docker, progress: Progress, signal: AbortSignal): Promise<string | undefined> {
  const stalled = new AbortController()
  let timer = setTimeout(() => stalled.abort(), FIRST_ANSWER_MS)
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stalled.abort(), STALLED_MS)
  }
  try {
    const abortSignal = AbortSignal.any([signal, stalled.signal])
    const stream = await engine.createImage({ fromImage: BASE_IMAGE, abortSignal })
    await followEngine(engine, stream, (line) => {
      alive()
      progress(`base: ${line}`)
    })
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    return stalled.signal.aborted ? 'no answer' : reason(engineMessage(error))
  } finally {
    clearTimeout(timer)
  }
}

/** The end of what an engine says of a registry is what went wrong; before it stands how it asked. */
function reason(said: string): string {
  return said.split('\n')[0]?.split(': ').at(-1) ?? said
}

/** Debian 13 from a mirror, imported; the image's id. */
async function bootstrap(engine: Docker, refused: string, progress: Progress, signal: AbortSignal): Promise<string> {
  const root = await rootPrefix()
  if ((await findProgram('mmdebstrap')) === undefined) {
    if (root === undefined || !(await hasApt())) {
      throw new LabError(
        'BASE_IMAGE',
        `Docker Hub cannot be reached (${refused}), and mmdebstrap, which would make the image from a Debian mirror, is not installed`,
        {
          where: BASE_IMAGE,
          hint:
            process.platform === 'linux'
              ? 'install mmdebstrap and debian-archive-keyring, or load the image: docker load, docker pull from a mirror of yours'
              : `make the image available: docker load, or docker pull from a mirror of yours and docker tag it ${BASE_IMAGE}`,
        },
      )
    }
    progress('installing mmdebstrap on this host')
    await aptInstall(root, ['mmdebstrap', 'debian-archive-keyring'], progress, signal)
  }
  const command = asRoot(root ?? [], await bootstrapCommand(RELEASE))
  const { execa } = await import('execa')
  const bootstrapping = execa(...command, {
    encoding: 'buffer',
    buffer: { stdout: false, stderr: true },
    cancelSignal: signal,
    stdin: 'ignore',
  })
  bootstrapping.stderr.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line.trim() !== '') progress(`base: ${line.trim()}`)
  })
  try {
    const imported = importRootfs(engine, bootstrapping.stdout, signal)
    const [id] = await Promise.all([imported, bootstrapping])
    return id
  } catch (error) {
    signal.throwIfAborted()
    const said = error instanceof Error && 'stderr' in error ? Buffer.from(error.stderr as Uint8Array).toString() : ''
    throw new LabError(
      'BASE_IMAGE',
      `mmdebstrap failed: ${said.trim().split('\n').slice(-4).join('\n') || engineMessage(error)}`,
      {
        where: 'mmdebstrap',
        hint: 'check that a Debian mirror can be reached (apt-get update), then run the same command again',
        cause: error,
      },
    )
  }
}

/** The command that writes a Debian of a release, from the mirrors of this host, to its standard output. */
export async function bootstrapCommand(release: string): Promise<readonly [string, ...string[]]> {
  return [
    'mmdebstrap',
    '--variant=minbase',
    '--dpkgopt=force-unsafe-io',
    ...['doc', 'info', 'locale', 'man'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::Retries "3"',
    release,
    '-',
    ...(await hostMirrors(release)),
  ]
}

async function importRootfs(engine: Docker, archive: NodeJS.ReadableStream, signal: AbortSignal): Promise<string> {
  const stream = await engine.importImage(archive, { changes: [`LABEL ${IMAGE_LABEL}=rootfs`], abortSignal: signal })
  let id = ''
  await followEngine(engine, stream, (line) => {
    if (/^sha256:[0-9a-f]{64}$/.test(line)) id = line
  })
  if (id === '') throw new Error('the engine imported no image')
  return id
}

/** The mirrors this host itself uses, when it is a Debian; empty otherwise, and mmdebstrap knows its own. */
async function hostMirrors(wanted: string): Promise<readonly string[]> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1]
  if (!/^ID=debian$/m.test(release) || codename === undefined) return []
  const directory = '/etc/apt/sources.list.d'
  const names = await readdir(directory).catch((): string[] => [])
  const files = ['/etc/apt/sources.list', ...names.sort().map((name) => join(directory, name))]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  return aptMirrors(texts.join('\n\n'), codename, wanted)
}
