import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, pack } from 'tar-stream'

/** A tar of one file, as the engine takes it. */
export function packFile(name: string, content: string): Readable {
  const archive = pack()
  archive.entry({ name, mode: 0o644 }, content)
  archive.finalize()
  return Readable.from(archive, { objectMode: false })
}

/** The content of the one file in a tar, however it arrives; undefined where there is none. */
export async function unpackFile(archive: NodeJS.ReadableStream): Promise<string | undefined> {
  const entries = extract()
  const read = async () => {
    let content: string | undefined
    // To the end: whoever leaves the loop earlier destroys what is still being read.
    for await (const entry of entries) content = await text(entry)
    return content
  }
  const [content] = await Promise.all([read(), pipeline(archive, entries)])
  return content
}
