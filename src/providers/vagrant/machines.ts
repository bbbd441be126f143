import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import type { Machine, MachineRequest, MachineState, MadeAs } from '../../model/provider.ts'
import type { Vagrant } from './command.ts'
import { inspectContainer, type ContainerNow } from './containers.ts'
import { networksOf, notedMachines, readIfPresent, readSettled, type NotedMachine } from './notes.ts'
import { accepts, parseStatus } from './states.ts'

/** Where machines of Vagrant are looked for. */
export interface Lookup {
  readonly directory: string
  readonly vagrant: Vagrant
  /** The engine of Vagrant's docker provider. Throws where none answers. */
  engine(): Promise<Docker>
}

const SSH_PORT = 22
/** In Vagrant's notes on a machine: what of the lab's spec it was made with. */
const SPEC_FILE = 'lab-spec'
/** Beside it: the lab that set the machine up. Files on the machine go by its id. */
const LAB_FILE = 'lab'

/**
 * Machines that exist, sorted by name. Containers are looked for in their engine; of virtual machines, one that accepts
 * SSH at its address runs, and of the others Vagrant is asked, once: that takes seconds.
 */
export async function findMachines(lookup: Lookup): Promise<readonly Machine[]> {
  const [noted, settled] = await Promise.all([notedMachines(lookup.directory), readSettled(lookup.directory)])
  const asked = statusOnce(lookup.vagrant)
  const found = await Promise.all(
    noted.map(async (each): Promise<Machine | undefined> => {
      const address = settled?.addresses[each.name] ?? ''
      const container = each.madeBy === 'docker' ? await inspectContainer(await lookup.engine(), each) : undefined
      const state = container?.state ?? (await virtualState(each.name, address, asked))
      if (state === 'missing') return undefined
      const ssh = state === 'running' ? sshOf(address, container) : undefined
      const specDigest = await readIfPresent(join(each.directory, SPEC_FILE))
      return { name: each.name, state, address, ...networksOf(settled, each.name), ssh, specDigest }
    }),
  )
  return found.filter((each) => each !== undefined)
}

/** Notes what a machine was made with, and for which lab. */
export async function noteSpec(lab: LabIdentity, { node, specDigest }: MachineRequest): Promise<void> {
  for (const noted of await notedMachines(lab.directory)) {
    if (noted.name !== node.name) continue
    await writeFile(join(noted.directory, SPEC_FILE), specDigest)
    await writeFile(join(noted.directory, LAB_FILE), JSON.stringify({ id: lab.id, directory: lab.directory }))
  }
}

/** The labs that the machines of a directory were set up for, as far as that is noted: one, where all is well. */
export async function labsOfMachines(directory: string): Promise<readonly MadeAs[]> {
  const notes = await Promise.all(
    (await notedMachines(directory)).map((noted) => readIfPresent(join(noted.directory, LAB_FILE))),
  )
  return [...new Set(notes)].flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as MadeAs]))
}

/** Forgets what a virtual machine was made with: it gets the memory and processors of lab.yml at each start. */
export async function forgetSpec({ madeBy, directory }: NotedMachine): Promise<void> {
  if (madeBy !== 'docker') await rm(join(directory, SPEC_FILE), { force: true })
}

/** Throws where the Vagrantfile gave a machine another address than lab would. */
export async function checkAddress(directory: string, { node, address }: MachineRequest): Promise<void> {
  const given = (await readSettled(directory))?.addresses[node.name]
  if (given === address) return
  throw new LabError('ADDRESS', `${node.name} has the address ${given ?? 'of no machine'}, and not ${address}`, {
    where: join(directory, 'Vagrantfile'),
    hint: `vagrant destroy -f ${node.name}, then lab up`,
  })
}

function sshOf(address: string, container: ContainerNow | undefined): Machine['ssh'] {
  const at = container === undefined ? { host: address, port: SSH_PORT } : container.published(SSH_PORT)
  return at === undefined ? undefined : { ...at, user: 'root' }
}

type Asked = () => Promise<ReadonlyMap<string, MachineState>>

async function virtualState(name: string, address: string, asked: Asked): Promise<MachineState> {
  if (address !== '' && (await accepts(address, SSH_PORT))) return 'running'
  // One that Vagrant says nothing of cannot be told to be off.
  return (await asked()).get(name) ?? 'running'
}

function statusOnce(vagrant: Vagrant): Asked {
  let asked: ReturnType<Asked> | undefined
  return () => (asked ??= vagrant.run(['status', '--machine-readable']).then(parseStatus))
}
