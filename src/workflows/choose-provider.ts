import { LabError, UsageError } from '../model/errors.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import type { Provider } from '../model/provider.ts'

/** Name of a provider of machines. */
export type ProviderName = LabSpec['provider']

interface ProviderModule {
  createProvider(options: { lab: LabIdentity; spec: LabSpec }): Provider
}

/**
 * The provider of a lab: whichever has machines of it now, else `wanted`, else what lab.yml says. Nothing is remembered,
 * so nothing can be remembered wrongly. Throws `UsageError` `OTHER_PROVIDER` where `wanted` is not the one with machines.
 */
export async function chooseProvider(
  lab: LabIdentity,
  spec: LabSpec,
  wanted: ProviderName | undefined,
): Promise<Provider> {
  const having = await providerWithMachines(lab, spec, wanted)
  if (having !== undefined && wanted !== undefined && wanted !== having.name) {
    throw new UsageError(
      `the nodes of this lab are made by ${having.name}, not ${wanted}`,
      { where: lab.directory, hint: `lab destroy first; or lab init ANOTHER-DIRECTORY, and lab up there` },
      'OTHER_PROVIDER',
    )
  }
  return having ?? loadProvider(wanted ?? spec.provider, lab, spec)
}

/** The provider that has machines, where looking is due: the usual case, a lab of lab.yml's docker, costs no look. */
async function providerWithMachines(
  lab: LabIdentity,
  spec: LabSpec,
  wanted: ProviderName | undefined,
): Promise<Provider | undefined> {
  const { notedMachines } = await import('../providers/vagrant/notes.ts')
  if ((await notedMachines(lab.directory)).length > 0) return loadProvider('vagrant', lab, spec)
  if ((wanted ?? spec.provider) === 'docker') return undefined
  const docker = await loadProvider('docker', lab, spec)
  return (await hasMachines(docker)) ? docker : undefined
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

async function loadProvider(name: string, lab: LabIdentity, spec: LabSpec): Promise<Provider> {
  let module: Partial<ProviderModule>
  try {
    module = (await import(`../providers/${name}.ts`)) as Partial<ProviderModule>
  } catch (error) {
    throw new UsageError(`there is no provider "${name}"`, { hint: 'use provider: docker', cause: error })
  }
  if (module.createProvider === undefined) throw new UsageError(`"${name}" is not a provider`)
  return module.createProvider({ lab, spec })
}
