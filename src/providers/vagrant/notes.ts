import { readdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const SETTLED_FILE = 'lab.json'

/** A machine as Vagrant notes it in `.vagrant`, which it does from before the machine is made until it is gone. */
export interface NotedMachine {
  readonly name: string
  /** Vagrant's own provider that has it: `docker`, `virtualbox`, `libvirt`. */
  readonly madeBy: string
  /** What that provider calls it: a container's id, for one. */
  readonly id: string
  /** Directory of Vagrant's notes on it; Vagrant empties it when the machine is destroyed. */
  readonly directory: string
}

/** What the Vagrantfile settled for the machines of the lab (`lab-plan.rb` writes it). */
export interface Settled {
  /** CIDR of the nodes. */
  readonly subnet: string
  /** By node. */
  readonly addresses: Readonly<Record<string, string>>
  /** Networks besides the lab's own, by name, with the addresses of the machines that are on each. */
  readonly networks?: Readonly<
    Record<string, { readonly subnet: string; readonly addresses: Readonly<Record<string, string>> }>
  >
}

/** The directory where Vagrant keeps its notes on the machines of a directory. */
function notesDirectory(directory: string): string {
  return resolve(directory, process.env['VAGRANT_DOTFILE_PATH'] ?? '.vagrant')
}

/** Machines of the lab that Vagrant has made in a directory, running or not; others of that directory are not lab's. */
export async function notedMachines(directory: string): Promise<readonly NotedMachine[]> {
  const addresses = (await readSettled(directory))?.addresses ?? {}
  return (await everyMachine(directory)).filter(({ name }) => name in addresses)
}

/** Takes away what is noted of machines that are gone, as long as there are no others. */
export async function removeNotes(directory: string): Promise<void> {
  const notes = notesDirectory(directory)
  if ((await everyMachine(directory)).length === 0) await rm(notes, { recursive: true, force: true })
  else if ((await notedMachines(directory)).length === 0) await rm(join(notes, SETTLED_FILE), { force: true })
}

async function everyMachine(directory: string): Promise<readonly NotedMachine[]> {
  const machines = join(notesDirectory(directory), 'machines')
  const found: NotedMachine[] = []
  for (const name of await entries(machines)) {
    for (const madeBy of await entries(join(machines, name))) {
      const notes = join(machines, name, madeBy)
      const id = await readIfPresent(join(notes, 'id'))
      if (id !== undefined) found.push({ name, madeBy, id: id.trim(), directory: notes })
    }
  }
  return found
}

/** What was settled for the machines of a directory; undefined where Vagrant was never asked about them. */
export async function readSettled(directory: string): Promise<Settled | undefined> {
  const text = await readIfPresent(join(notesDirectory(directory), SETTLED_FILE))
  return text === undefined ? undefined : (JSON.parse(text) as Settled)
}

/** Addresses of a machine on networks besides the lab's own; nothing where it is on none. */
export function networksOf(
  settled: Settled | undefined,
  machine: string,
): { readonly networks?: Readonly<Record<string, string>> } {
  const found = Object.entries(settled?.networks ?? {}).flatMap(([name, { addresses }]) => {
    const address = addresses[machine]
    return address === undefined ? [] : [[name, address] as const]
  })
  return found.length === 0 ? {} : { networks: Object.fromEntries(found) }
}

/** The text of a file; undefined where there is none. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function entries(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
