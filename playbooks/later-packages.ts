import type { Step } from '../src/index.ts'
import type { FromLater } from '../src/model/packages.ts'
import { command } from '../src/steps/command.ts'
import { file } from '../src/steps/file.ts'
import { renderPackaged } from '../src/steps/template.ts'

const SOURCES = '/etc/apt/sources.list.d/lab.list'

/**
 * Lets apt take a few packages from the release after the node's own, from the mirrors the node has already, and nothing
 * else: every other package of that release is out of bounds, before its lists are there.
 */
export function laterPackages({ release, next, packages }: FromLater): readonly Step[] {
  const values = { release, next, packages: packages.join(' '), path: SOURCES }
  const template = (name: string) => renderPackaged(`playbooks/templates/${name}.hbs`, values)
  return [
    file({ path: '/etc/apt/preferences.d/lab', content: template('apt-preferences') }),
    command({
      title: `know the packages of ${next}`,
      run: ['sh', '-s'],
      stdin: template('apt-sources.sh'),
      creates: SOURCES,
    }),
  ]
}
