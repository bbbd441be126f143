import { createHash } from 'node:crypto'
import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable } from '../model/step.ts'

/** Time zone of a machine. */
export interface TimezoneOptions {
  /** Its name in the tz database, which the node needs (Debian: tzdata): `Europe/Berlin`, `Etc/UTC`. */
  readonly zone: string
}

// Where /etc/timezone still is, some programs read it: it must not say otherwise.
const SET = `set -eu
umask 022
if [ -e /etc/timezone ]; then
  printf '%s\\n' "$1" >/etc/.timezone.lab-new
  mv -fT -- /etc/.timezone.lab-new /etc/timezone
fi
rm -f -- /etc/.localtime.lab-new
ln -s -- "$2" /etc/.localtime.lab-new
mv -fT -- /etc/.localtime.lab-new /etc/localtime`

/**
 * Time zone of the machine. What runs already goes on in the zone it was started in. A zone that the node does not know
 * is an error.
 * @example timezone({ zone: 'Europe/Berlin' })
 */
export const timezone = defineStep({
  kind: 'timezone',
  title: ({ zone }: TimezoneOptions) => `time zone ${zone}`,
  validate({ zone }) {
    if (!/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(zone)) {
      throw new UsageError(`"${zone}" is not the name of a time zone: write it like Europe/Berlin`)
    }
  },
  facts: ({ zone }) => ({
    now: pathState('/etc/localtime'),
    noted: pathState('/etc/timezone'),
    known: pathState(fileOf(zone)),
  }),
  diff({ zone }, { now, noted, known }) {
    if (known.type !== 'file' && known.type !== 'symlink') {
      throw new FactUnavailable(`${fileOf(zone)} is not there: no such zone, or tzdata is not installed`)
    }
    const found = now.target === undefined ? undefined : zoneOf(now.target)
    if (found !== zone) return [{ path: 'zone', from: found ?? now.type, to: zone }]
    const agrees = noted.type === 'absent' || noted.digest === createHash('sha256').update(`${zone}\n`).digest('hex')
    return agrees ? [] : [{ path: '/etc/timezone', from: 'otherwise', to: zone }]
  },
  apply: ({ zone }) => [{ argv: ['sh', '-c', SET, 'timezone', zone, fileOf(zone)] }],
  files: () => ['/etc/localtime', '/etc/timezone'],
})

function fileOf(zone: string): string {
  return `/usr/share/zoneinfo/${zone}`
}

/** Links are relative or not, by who made them. */
function zoneOf(target: string): string {
  return target.replace(/^.*\/zoneinfo\//, '')
}
