import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addNode, removeNodeEntry, type NewNode } from '../config/edit-nodes.ts'
import { parseLab } from '../config/parse.ts'
import type { RunSummary } from '../executor/run-plays.ts'
import { UsageError } from '../model/errors.ts'
import type { LabSpec } from '../model/lab-spec.ts'
import { checkName } from '../model/names.ts'
import { withLock } from './lock.ts'
import { openLab, type OpenLab } from './open-lab.ts'
import { checkRemovable, removeNode } from './remove-node.ts'
import { up } from './up.ts'
import { checkNodeNames } from './with-nodes.ts'

/** Writes a node into lab.yml, comments kept, and brings it up. Throws, with nothing changed, for what lab.yml refuses. */
export async function addLabNode(open: OpenLab, node: NewNode): Promise<RunSummary> {
  checkName('node', node.name)
  if (open.spec.nodes.some(({ name }) => name === node.name)) {
    throw new UsageError(`there is a node "${node.name}" already`, { where: 'lab.yml', hint: 'lab status' })
  }
  return withEdited(open, (text) => addNode(text, node))
}

/**
 * Takes nodes out of lab.yml, comments kept, and out of the lab: volumes and apps to others, membership, machine. What
 * cannot go is found out before the file is changed.
 */
export async function removeLabNodes(open: OpenLab, names: readonly string[]): Promise<RunSummary> {
  checkNodeNames(open, names)
  const present = (await open.machines()).map(({ name }) => name).filter((name) => names.includes(name))
  if (present.length > 0) await checkRemovable(open, present)
  const edit = (text: string) => names.reduce((now, name) => removeNodeEntry(now, name), text)
  // One that is out of lab.yml could not be reached any more.
  const removeFirst = async () => {
    await withLock(open.lab.stateDirectory, `node rm ${names.join(' ')}`, async () => {
      for (const name of present) await removeNode(open, name)
    })
    open.refresh()
  }
  return withEdited(open, edit, {
    agree: () => Promise.resolve(true),
    ...(open.provider.listsSpecOnly === true && { first: removeFirst }),
  })
}

/** Makes a node's machine anew, with the name it has and as lab.yml has it now; its volumes go to others first. */
export async function replaceNode(open: OpenLab, name: string): Promise<RunSummary> {
  checkNodeNames(open, [name])
  const former = (await open.machines()).filter((machine) => machine.name === name)
  await withLock(open.lab.stateDirectory, `node replace ${name}`, async () => {
    // Also where its machine is gone already: what the swarm remembers of it has to go before it joins anew.
    await removeNode(open, name)
  })
  open.refresh()
  return up(open, { former })
}

/**
 * Checks the edited text as `up` would, does what comes `first` while lab.yml is as it was, writes the text whole, and brings
 * up the lab that it describes.
 */
async function withEdited(
  open: OpenLab,
  edit: (text: string) => string,
  { agree, first }: { readonly agree?: () => Promise<boolean>; readonly first?: () => Promise<void> } = {},
): Promise<RunSummary> {
  const file = join(open.lab.directory, 'lab.yml')
  const before = await readFile(file, 'utf8')
  const after = edit(before)
  const spec: LabSpec = parseLab(after, {
    file: 'lab.yml',
    defaultName: open.lab.name,
    directory: open.lab.directory,
  })
  await first?.()
  const draft = `${file}.new`
  await writeFile(draft, after)
  await rename(draft, file)
  const changed = await openLab({ lab: open.lab, spec, emit: open.emit, signal: open.signal })
  try {
    return await up(changed, agree === undefined ? {} : { agree })
  } finally {
    await changed.close()
  }
}
