import type Docker from 'dockerode'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { engineStatus } from '../model/engine-error.ts'
import { shortDigest } from './image-names.ts'

/** Where update-ca-certificates looks for a machine's own authorities, and where Node.js is pointed to. */
const OWN_CERTIFICATES = '/usr/local/share/ca-certificates/lab-host.crt'
/** Where programs find the authorities they trust: Debian, Alpine and most others; Fedora and its kin. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']

/**
 * The image to build upon instead of `reference` on a host that trusts more authorities than the public ones (behind a
 * proxy that inspects TLS): the same image, trusting them too. So `npm ci`, `go mod download` and the like work inside a
 * build without a word about it in anybody's Dockerfile. Made once an image; nothing runs in it, so any image will do.
 */
export async function trustedBase(engine: Docker, reference: string, certificates: string): Promise<string> {
  const { Id, Config } = await engine.getImage(reference).inspect()
  const name = `lab-trusted:${shortDigest([Id, certificates])}`
  if (await imageExists(engine, name)) return name
  const runs = [Config.Cmd, Config.Entrypoint].some(isGiven)
  // An image that runs nothing by itself needs a command to make a container of; it never runs.
  const container = await engine.createContainer({ Image: Id, ...(runs ? {} : { Cmd: ['/'] }) })
  try {
    const bundles = await Promise.all(BUNDLES.map((path) => readBundle(container, path)))
    const files = [
      { path: OWN_CERTIFICATES, content: certificates },
      ...BUNDLES.flatMap((path, index) => {
        const present = bundles[index]
        // The first is made where it is missing: programs in an image without any would otherwise trust nobody.
        if (present === undefined && index > 0) return []
        return [
          {
            path,
            content: `${present === undefined || present.endsWith('\n') ? (present ?? '') : `${present}\n`}${certificates}`,
          },
        ]
      }),
    ]
    const archive = pack()
    for (const { path, content } of files) archive.entry({ name: path.slice(1), mode: 0o644 }, content)
    archive.finalize()
    await container.putArchive(await buffer(archive), { path: '/' })
    const [repo, tag] = name.split(':')
    const changes = [`ENV NODE_EXTRA_CA_CERTS=${OWN_CERTIFICATES}`, ...(runs ? [] : ['CMD []'])].join('\n')
    await container.commit({ repo, tag, changes })
  } finally {
    await container.remove({ force: true })
  }
  return name
}

function isGiven(words: string | readonly string[] | null | undefined): boolean {
  return words !== null && words !== undefined && words.length > 0
}

/** True when the engine has an image of that name. */
export async function imageExists(engine: Docker, name: string): Promise<boolean> {
  return (await imageId(engine, name)) !== undefined
}

/** Id of an image of the engine; undefined when it has none of that name. */
export async function imageId(engine: Docker, name: string): Promise<string | undefined> {
  try {
    return (await engine.getImage(name).inspect()).Id
  } catch (error) {
    if (engineStatus(error) === 404) return undefined
    throw error
  }
}

/** A file of a container; undefined where there is none, or only a link. */
async function readBundle(container: Docker.Container, path: string): Promise<string | undefined> {
  let archive: NodeJS.ReadableStream
  try {
    archive = await container.getArchive({ path })
  } catch (error) {
    if (engineStatus(error) === 404) return undefined
    throw error
  }
  let content: string | undefined
  for await (const entry of archive.pipe(extract())) {
    if (entry.header.type === 'file') content = (await buffer(entry)).toString()
    else entry.resume()
  }
  return content
}
