import { LabError } from '../model/errors.ts'
import type { Tree, TreeEntry } from '../model/tree.ts'

/** Length of a SHA-256 in hexadecimal, and of what stands between it and the name. */
const HASH = 64
const GAP = 2

/** Pure: what `volume-driver listing` prints. Devices are told apart by nothing but their type. */
export function readListing(bytes: Buffer): Tree {
  const fields = bytes.toString('latin1').split('\0')
  const end = fields.findIndex((field, index) => index % 3 === 0 && field === 'end')
  if (end < 0) throw new LabError('VOLUME_DRIVER', 'the node did not list the whole volume')
  const hashes = new Map(fields.slice(end + 1).map((sum) => [sum.slice(HASH + GAP), sum.slice(0, HASH)]))
  const tree = new Map<string, TreeEntry>()
  for (let at = 0; at < end; at += 3) {
    const [what = '', path = '', target = ''] = fields.slice(at, at + 3)
    const [type = '', mode = '', owner = '', time = ''] = what.split(' ')
    tree.set(path, { type, mode, owner, time, content: type === 'f' ? (hashes.get(path) ?? '') : target })
  }
  return tree
}
