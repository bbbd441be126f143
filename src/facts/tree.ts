import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'
import { SECTION, sections } from '../shell/sections.ts'
import { octal, type Owner } from './ownership.ts'

/** What everything in a directory has to be like. */
export interface TreeAccess {
  readonly owner?: Owner
  readonly fileMode?: number
  readonly directoryMode?: number
}

/** What in a directory is otherwise: how much, and the first few names. */
export interface Strangers {
  readonly count: number
  readonly first: readonly string[]
}

/** Tests of find(1), by what is looked at, for what is not as wanted; links have no mode of their own. */
export function strangerTests({
  owner,
  fileMode,
  directoryMode,
}: TreeAccess): Readonly<Record<string, readonly string[]>> {
  const [user, group] = owner?.split(':') ?? []
  const isNot = (flag: string, value: string | undefined) => (value === undefined ? [] : ['!', flag, value])
  const owned =
    group === undefined ? isNot('-user', user) : ['(', ...isNot('-user', user), '-o', ...isNot('-group', group), ')']
  return {
    ...(owner === undefined ? {} : { owner: owned }),
    ...(fileMode === undefined ? {} : { 'mode of files': ['-type', 'f', '!', '-perm', octal(fileMode)] }),
    ...(directoryMode === undefined
      ? {}
      : { 'mode of directories': ['-type', 'd', '!', '-perm', octal(directoryMode)] }),
  }
}

/**
 * What in a directory (not the directory itself, nor other filesystems in it) differs from what is wanted, by what is
 * looked at. A directory that is not there holds nothing. `FactUnavailable` where there is no such owner.
 */
export function strangers(path: string, access: TreeAccess): FactQuery<ReadonlyMap<string, Strangers>> {
  const tests = Object.entries(strangerTests(access))
  const words = (test: readonly string[]) => test.map(quote).join(' ')
  return {
    key: `tree:${path}:${JSON.stringify(access)}`,
    script: `export LC_ALL=C; top=${quote(path)}
[ -d "$top" ] && [ ! -L "$top" ] || exit 0
${tests
  .map(
    ([, test]) => `found=$(find "$top" -xdev -mindepth 1 ${words(test)} -printf '%P\\n') || exit
[ -z "$found" ] || { printf '%s\\n' "$found" | grep -c ''; printf '%s\\n' "$found" | head -n 3; }
echo ${SECTION}`,
  )
  .join('\n')}`,
    parse({ status, stdout, stderr }) {
      if (status !== 0) throw new FactUnavailable(`cannot look at what is in ${path}: ${stderr.trim()}`)
      const parts = sections(stdout)
      return new Map(
        tests.map(([name], index) => {
          const [count = '0', ...first] = parts[index] ?? []
          return [name, { count: Number(count), first }]
        }),
      )
    },
  }
}
