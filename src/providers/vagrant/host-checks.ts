import type { Check } from '../../model/check.ts'
import { toLabError } from '../../model/errors.ts'
import { checkVagrant, openVagrant } from './command.ts'

/** Looks at what machines of Vagrant need of this host: a Vagrant. What that needs is for it to say. */
export async function vagrantHostChecks(directory: string): Promise<readonly Check[]> {
  const name = 'vagrant'
  try {
    return [{ name, ok: true, detail: `Vagrant ${await checkVagrant(openVagrant(directory))}` }]
  } catch (error) {
    const { message, hint } = toLabError(error)
    return [{ name, ok: false, detail: message, ...(hint === undefined ? {} : { hint }) }]
  }
}
