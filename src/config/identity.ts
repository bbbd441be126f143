import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { LabIdentity } from '../model/lab-spec.ts'

/** Of a lab, below the directory of its lab.yml: what must be local to it. */
export const STATE_DIRECTORY = '.lab'

/** Name of a lab whose `lab.yml` gives none: the directory's own, as far as a name allows. */
export function defaultLabName(directory: string): string {
  const name = (directory.split('/').at(-1) ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'lab' : name
}

/** The identity of the lab called `name` in `directory`, which must be resolved of symlinks. */
export function labIdentity(name: string, directory: string): LabIdentity {
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 6)
  return { id: `${name}-${digest}`, name, directory, stateDirectory: join(directory, STATE_DIRECTORY) }
}
