import { once } from 'node:events'
import { extract, pack, type Header, type Pack } from 'tar-stream'
import { LabError } from '../model/errors.ts'

type NewHeader = Partial<Header> & Pick<Header, 'name'>

/** What went through. */
export interface Copied {
  files: number
  bytes: number
}

/**
 * Passes a tar archive on with another name for its top, and root as owner of everything: whoever unpacks decides whose
 * it is. `name`: see `Landing`. Counts into `copied` as it goes. Throws for names that point out of the archive.
 */
export async function* renamed(
  archive: AsyncIterable<Uint8Array>,
  name: string | undefined,
  copied: Copied,
): AsyncGenerator<Uint8Array> {
  const packer = pack()
  const rewriting = rewrite(archive, packer, name, copied)
  rewriting.catch((error: unknown) => {
    packer.destroy(error as Error)
  })
  yield* packer as AsyncIterable<Uint8Array>
  await rewriting
}

/** Whoever reads is told of an error; when a copy was stopped nobody reads any more, and nobody needs to know. */
function leaveToReader(): void {
  return
}

async function rewrite(
  archive: AsyncIterable<Uint8Array>,
  packer: Pack,
  name: string | undefined,
  copied: Copied,
): Promise<void> {
  const extractor = extract()
  const feeding = (async () => {
    for await (const chunk of archive) if (!extractor.write(chunk)) await once(extractor, 'drain')
    extractor.end(undefined)
  })()
  feeding.catch((error: unknown) => {
    extractor.destroy(error as Error)
  })
  for await (const entry of extractor) {
    const header = renamedHeader(entry.header, name)
    if (header === undefined) {
      entry.resume()
      continue
    }
    await passOn(entry, header, packer)
    if (header.type !== 'directory') copied.files++
    copied.bytes += header.size ?? 0
  }
  await feeding
  packer.finalize()
}

function passOn(entry: AsyncIterable<unknown>, header: NewHeader, packer: Pack): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = packer.entry(header, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
    sink.on('error', leaveToReader)
    const pass = async () => {
      for await (const chunk of entry) if (!sink.write(chunk)) await once(sink, 'drain')
      sink.end(undefined)
    }
    pass().catch(reject)
  })
}

/** Pure: an entry's header with its top renamed; undefined when nothing is left of its name. */
export function renamedHeader(header: Header, name: string | undefined): NewHeader | undefined {
  const path = rename(header.name, name)
  if (path === '') return undefined
  // A hard link names another entry of the archive, a symbolic one whatever it likes.
  const linkname = header.type === 'link' ? rename(header.linkname, name) : header.linkname
  const { type, mode, mtime, size } = header
  return { name: path, type, mode, mtime, size, linkname, uid: 0, gid: 0 }
}

function rename(path: string, top: string | undefined): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new LabError('ARCHIVE', `an archive names a path outside of itself: ${path}`)
  const renamed = top === undefined ? parts : [...(top === '' ? [] : [top]), ...parts.slice(1)]
  return renamed.join('/')
}
