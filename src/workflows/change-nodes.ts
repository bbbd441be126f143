import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addNode, removeNodeEntry, type NewNode } from '../config/edit-nodes.ts'
import { parseLab } from '../config/parse.ts'
import type { RunSummary } from '../executor/run-plays.ts'
import { UsageError } from '../model/errors.ts'
import type { LabSpec } from '../model/lab-spec.ts'
import { checkName } from '../model/names.ts'
import { readHostEnvironment } from '../secrets/host-environment.ts'
import { refuseLoopbackProxy } from './host-proxy.ts'
import { liveChanges } from './live-changes.ts'
import { withLock } from './lock.ts'
import { openLab, type OpenLab } from './open-lab.ts'
import { removeNodes } from './remove-node.ts'
import { up, type UpOptions } from './up.ts'
import { checkNodeNames } from './with-nodes.ts'

/** Writes a node into lab.yml, comments kept, and brings it up. Throws, with nothing changed, for what lab.yml refuses. */
export async function addLabNode(open: OpenLab, node: NewNode): Promise<RunSummary> {
  checkName('node', node.name)
  if (open.spec.nodes.some(({ name }) => name === node.name)) {
    throw new UsageError(`there is a node "${node.name}" already`, { where: 'lab.yml', hint: 'lab status' })
  }
  return upEdited(open, (text) => addNode(text, node))
}

/**
 * Takes nodes out of lab.yml, comments kept, and out of the lab: volumes and apps to others, membership, machine. What
 * cannot go is found out, and what they own moved off, before the file is changed. Others that lab.yml no longer has are
 * left to `up`, which asks about them.
 */
export async function removeLabNodes(open: OpenLab, names: readonly string[]): Promise<RunSummary> {
  checkNodeNames(open, names)
  const edit = (text: string) => names.reduce((now, name) => removeNodeEntry(now, name), text)
  const agree = (removed: readonly string[]) => Promise.resolve(removed.filter((name) => names.includes(name)))
  if (open.provider.listsSpecOnly !== true) return upEdited(open, edit, { agree })
  // One that is out of lab.yml could not be reached any more.
  const { spec } = await readEdited(open, edit)
  await withLock(open.lab.stateDirectory, `node rm ${names.join(' ')}`, async () => {
    await refuseLoopbackProxy(readHostEnvironment(process.env))
    await liveChanges(open)
    const present = (await open.machines()).map(({ name }) => name).filter((name) => names.includes(name))
    await removeNodes(open, present)
    await writeEdited(open, edit)
  })
  return upAs(open, spec, {})
}

/**
 * Makes a node's machine anew, with the name it has and as lab.yml has it now; its volumes go to others first. Also where
 * the machine is gone already: what the swarm remembers of it goes before it joins anew.
 */
export async function replaceNode(open: OpenLab, name: string): Promise<RunSummary> {
  checkNodeNames(open, [name])
  return up(open, { replaced: name })
}

/**
 * Brings up the lab that the edited lab.yml describes, and writes the file once nothing stands in the way: what `up` refuses
 * leaves it as it was.
 */
async function upEdited(
  open: OpenLab,
  edit: (text: string) => string,
  options: Pick<UpOptions, 'agree'> = {},
): Promise<RunSummary> {
  const { spec } = await readEdited(open, edit)
  return upAs(open, spec, { ...options, begin: () => writeEdited(open, edit) })
}

async function upAs(open: OpenLab, spec: LabSpec, options: UpOptions): Promise<RunSummary> {
  const changed = await openLab({ lab: open.lab, spec, emit: open.emit, signal: open.signal })
  try {
    return await up(changed, options)
  } finally {
    await changed.close()
  }
}

/** Throws what lab.yml would not take. */
async function readEdited(
  { lab }: OpenLab,
  edit: (text: string) => string,
): Promise<{ readonly text: string; readonly spec: LabSpec }> {
  const text = edit(await readFile(join(lab.directory, 'lab.yml'), 'utf8'))
  return { text, spec: parseLab(text, { file: 'lab.yml', defaultName: lab.name, directory: lab.directory }) }
}

/** Edits the file whole, as it is by now: moving volumes takes its time, and its owner may have written in it. */
async function writeEdited(open: OpenLab, edit: (text: string) => string): Promise<void> {
  const { text } = await readEdited(open, edit)
  const file = join(open.lab.directory, 'lab.yml')
  const draft = `${file}.new`
  await writeFile(draft, text)
  await rename(draft, file)
}
