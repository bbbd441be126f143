import { createHash } from 'node:crypto'
import { kernelSetting, settingPath } from '../facts/kernel-setting.ts'
import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { checkName } from '../model/names.ts'

/** Kernel settings. */
export interface SysctlOptions {
  /** What they are for; names the file in /etc/sysctl.d that keeps them. */
  readonly name: string
  /** Values by name, as sysctl names them: `net.ipv4.ip_forward`. */
  readonly settings: Readonly<Record<string, string | number>>
  /** Settings that this kernel does not have are passed over instead of being an error. @default false */
  readonly optional?: boolean
}

const SET = `set -eu
file=$1; shift
umask 022
cat >"$file.lab-new"
mv -fT -- "$file.lab-new" "$file"
while [ "$#" -gt 1 ]; do printf '%s\\n' "$2" >"$1"; shift 2; done`

/**
 * Kernel settings, now and after every boot.
 * @example sysctl({ name: 'forwarding', settings: { 'net.ipv4.ip_forward': 1 } })
 * @throws USAGE: the name of the file or of a setting cannot be.
 * @throws FACT_UNAVAILABLE: this kernel has no such setting, and it is not `optional`.
 * @throws STEP_FAILED: the kernel refuses the value.
 */
export const sysctl = defineStep({
  kind: 'sysctl',
  title: (wanted: SysctlOptions) => `kernel settings ${Object.keys(wanted.settings).join(', ')}`,
  validate({ name, settings }) {
    checkName('kernel settings file', name)
    for (const [key, value] of Object.entries(settings)) {
      if (!/^[a-z0-9_*-]+([./][A-Za-z0-9_*-]+)+$/.test(key))
        throw new UsageError(`"${key}" is not a kernel setting: write it like vm.swappiness`)
      if (String(value).includes('\n')) throw new UsageError(`${key}: a value is one line`)
    }
  },
  facts: ({ name, settings }): Record<string, FactQuery<unknown>> => ({
    file: pathState(fileOf(name)),
    ...Object.fromEntries(Object.keys(settings).map((key) => [`=${key}`, kernelSetting(key)])),
  }),
  diff(wanted, observed) {
    const live = Object.entries(wanted.settings).flatMap(([key, value]) => {
      const found = observed[`=${key}`]
      if (found === null && wanted.optional === true) return []
      if (found === null) throw new FactUnavailable(`this kernel has no setting ${key}`)
      return found === normal(value) ? [] : [{ path: key, from: found as string, to: normal(value) }]
    })
    const { digest } = observed['file'] as { digest: string | undefined }
    const kept = digest === createHash('sha256').update(contentOf(wanted)).digest('hex')
    return kept ? live : [...live, { path: fileOf(wanted.name), from: undefined, to: 'kept for the next boot' }]
  },
  apply(wanted, changes) {
    const live = changes.filter(({ path }) => path in wanted.settings)
    const pairs = live.flatMap(({ path, to }) => [settingPath(path), to ?? ''])
    return [{ argv: ['sh', '-c', SET, 'sysctl', fileOf(wanted.name), ...pairs], stdin: contentOf(wanted) }]
  },
  selfContained: true,
  files: ({ name }) => [fileOf(name)],
})

function fileOf(name: string): string {
  return `/etc/sysctl.d/90-${name}.conf`
}

function normal(value: string | number): string {
  return String(value).trim().split(/\s+/).join(' ')
}

function contentOf({ settings, optional }: SysctlOptions): string {
  // A leading "-" tells systemd-sysctl to pass over a setting that the kernel lacks.
  const sign = optional === true ? '-' : ''
  return Object.entries(settings)
    .map(([key, value]) => `${sign}${key} = ${normal(value)}\n`)
    .join('')
}
