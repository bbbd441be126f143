import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { LabSpec } from '../model/lab-spec.ts'

/** In the lab's state directory: a digest of what the spec was made from, and the spec. */
const FILE = 'spec'

/** A spec, and what keeps it for the commands that follow. */
export interface KeptSpec {
  readonly spec: LabSpec
  /** Keeps it, unless it is kept; nothing where there is no state directory. */
  readonly keep: () => Promise<void>
}

/**
 * What a lab.yml says. To load what reads and checks it takes longer than much of what a command does, so its spec is kept
 * in `stateDirectory` and used for as long as `origin` (all that it is made from) is the same. Throws what `read` throws.
 */
export async function keptSpec(
  stateDirectory: string,
  origin: readonly string[],
  read: () => Promise<LabSpec>,
): Promise<KeptSpec> {
  const file = join(stateDirectory, FILE)
  // A Node.js of another version may write values in another way.
  const digest = createHash('sha256')
    .update(JSON.stringify([...origin, process.version]))
    .digest('hex')
  const known = await knownSpec(file, digest)
  if (known !== undefined) return { spec: known, keep: () => Promise.resolve() }
  const spec = await read()
  return { spec, keep: () => keep(file, `${digest}\n${serialize(spec).toString('base64')}\n`) }
}

/** Undefined where none is kept, it was made from something else, or it was cut off. */
async function knownSpec(file: string, digest: string): Promise<LabSpec | undefined> {
  const [of, value = ''] = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  if (of !== digest) return undefined
  try {
    return deserialize(Buffer.from(value, 'base64')) as LabSpec
  } catch {
    return undefined
  }
}

/** A directory that is not there is not made for this, and one that belongs to somebody else is only read. */
async function keep(file: string, text: string): Promise<void> {
  const draft = `${file}.${String(process.pid)}-0.new`
  try {
    await writeFile(draft, text, { mode: 0o600 })
    await rename(draft, file)
  } catch {
    // It is read again next time.
  }
}
