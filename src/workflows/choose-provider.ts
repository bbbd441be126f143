import { LabError, UsageError } from '../model/errors.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import type { Provider } from '../model/provider.ts'
import { notedMachines } from '../providers/vagrant/notes.ts'
import type { StateDirectory } from '../secrets/state-directory.ts'
import { heldHosts } from './held-hosts.ts'

/** What a provider is chosen for. */
interface Wanted {
  readonly lab: Pick<LabIdentity, 'directory'>
  readonly spec: LabSpec
  readonly state: StateDirectory
  /** The one that is asked for; absent, nobody asks for one. */
  readonly provider?: LabSpec['provider'] | undefined
}

/** Loads the provider that a spec names. */
type Load = (spec: LabSpec) => Promise<Provider>

/** A lab's provider, and its spec with that one in it. */
export interface ChosenProvider {
  readonly spec: LabSpec
  readonly provider: Provider
  /** What lab.yml says, and whether another one was named for this run. */
  readonly said: SaidProvider
}

/** What lab.yml itself says makes the machines. */
export interface SaidProvider {
  readonly name: LabSpec['provider']
  /** One was named on the command line: that is what counts then. */
  readonly overridden: boolean
}

/**
 * The provider of a lab: whichever has machines of it now, else the one that is asked for, else what lab.yml says. Machines
 * are looked for, so nothing can be remembered wrongly; but hosts that exist are found by lab.yml alone, and that they are
 * held is noted. Throws `UsageError` `OTHER_PROVIDER` where another one than the one asked for has machines.
 */
export async function chooseProvider(options: Wanted, load: Load): Promise<ChosenProvider> {
  const { lab, provider: wanted } = options
  const said = { name: options.spec.provider, overridden: wanted !== undefined }
  const spec = { ...options.spec, provider: wanted ?? options.spec.provider }
  const held = await heldHosts(options.state)
  if (held.length > 0 && spec.provider !== 'ssh') throw otherThanHosts(held, spec.provider, lab.directory)
  if (held.length > 0) return { spec, provider: await load(spec), said }
  const having = await providerWithMachines(lab.directory, spec, load)
  if (having !== undefined && wanted !== undefined && wanted !== having.provider.name) {
    throw new UsageError(
      `the nodes of this lab are made by ${having.provider.name}, not ${wanted}`,
      { where: lab.directory, hint: 'lab destroy first; or lab init ANOTHER-DIRECTORY, and lab up there' },
      'OTHER_PROVIDER',
    )
  }
  return { ...(having ?? { spec, provider: await load(spec) }), said }
}

function otherThanHosts(held: readonly string[], wanted: string, directory: string): UsageError {
  return new UsageError(
    `the nodes of this lab are hosts that existed before (${held.join(', ')}), not made by ${wanted}`,
    {
      where: directory,
      hint: 'say provider: ssh in lab.yml again, with those nodes, and lab destroy first; or lab init ANOTHER-DIRECTORY, and lab up there',
    },
    'OTHER_PROVIDER',
  )
}

/** The provider that has machines, as far as looking is due: the usual case, a lab of containers, costs no look. */
async function providerWithMachines(
  directory: string,
  spec: LabSpec,
  load: Load,
): Promise<Omit<ChosenProvider, 'said'> | undefined> {
  const as = async (provider: LabSpec['provider']) => {
    const other = { ...spec, provider }
    return { spec: other, provider: await load(other) }
  }
  if ((await notedMachines(directory)).length > 0) return as('vagrant')
  if (spec.provider === 'docker') return undefined
  const docker = await as('docker')
  return (await hasMachines(docker.provider)) ? docker : undefined
}

async function hasMachines(provider: Provider): Promise<boolean> {
  try {
    return (await provider.list()).length > 0
  } catch (error) {
    // Without an engine there are no containers either.
    if (error instanceof LabError) return false
    throw error
  }
}
