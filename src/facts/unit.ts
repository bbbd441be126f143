import { NODE_PATHS } from '../model/names.ts'
import { familyQuery, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** A systemd unit as systemd sees it, and what lab noted when it last started it. */
export interface UnitState {
  /** `loaded`, `not-found`, `masked`, ... */
  readonly load: string
  /** `active`, `inactive`, `failed`, `activating`, ... */
  readonly active: string
  /** `enabled`, `disabled`, `static`, `masked`, ...; empty when there is no unit file. */
  readonly file: string
  readonly needsReload: boolean
  /** Changes with every start. */
  readonly invocation: string
  /** When the main process, or what there is instead, was started: microseconds since 1970, or 0. */
  readonly startedUs: number
  readonly stamp: StartStamp | undefined
}

/** What was in force when lab last started (or reloaded) a unit. */
export interface StartStamp {
  readonly invocation: string
  /** Fingerprint of each file, as {@link fingerprint} makes it. */
  readonly files: ReadonlyMap<string, string>
}

/** One stamp a unit: its invocation, then a line `<fingerprint> <path>` a file. Gone after a reboot, as processes are. */
export const STAMPS = `${NODE_PATHS.run}/started`

const PROPERTIES =
  'Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID,ExecMainStartTimestamp,InactiveExitTimestamp'

const family: FactFamily<UnitState> = {
  name: 'unit',
  script: (units) => `set -- ${quoteAll(units)}
systemctl show --timestamp=us+utc --property=${PROPERTIES} -- "$@" || exit
for u do
  [ ! -r ${STAMPS}/"$u" ] || while IFS= read -r line; do printf 'stamp %s %s\\n' "$u" "$line"; done <${STAMPS}/"$u"
done`,
  parse: parseUnits,
}

/** State of one unit; all units of a host are asked for together. */
export function unitState(unit: string): FactQuery<UnitState> {
  return familyQuery(family, unit)
}

/** A unit's full name: `docker` is `docker.service`. */
export function unitName(unit: string): string {
  return /\.(service|socket|timer|mount|automount|path|target|slice|scope|swap|device)$/.test(unit)
    ? unit
    : `${unit}.service`
}

function parseUnits(output: FactOutput, units: readonly string[]): ReadonlyMap<string, UnitState> {
  if (output.status !== 0) throw new FactUnavailable(`systemd does not answer: ${output.stderr.trim()}`)
  const stamps = new Map<string, StartStamp & { files: Map<string, string> }>()
  const lines: string[] = []
  for (const line of output.stdout.split('\n')) {
    if (!line.startsWith('stamp ')) {
      lines.push(line)
      continue
    }
    const [, unit = '', first = '', ...rest] = line.split(' ')
    const stamp = stamps.get(unit)
    if (stamp === undefined) stamps.set(unit, { invocation: first, files: new Map() })
    else stamp.files.set(rest.join(' '), first)
  }
  const blocks = lines.join('\n').trim().split('\n\n')
  return new Map(
    units.flatMap((unit, index): [string, UnitState][] => {
      const block = blocks[index]
      return block === undefined ? [] : [[unit, parseBlock(block, stamps.get(unit))]]
    }),
  )
}

function parseBlock(block: string, stamp: StartStamp | undefined): UnitState {
  const property = new Map(
    block.split('\n').map((line): [string, string] => {
      const equals = line.indexOf('=')
      return [line.slice(0, equals), line.slice(equals + 1)]
    }),
  )
  const get = (name: string) => property.get(name) ?? ''
  return {
    load: get('LoadState'),
    active: get('ActiveState'),
    file: get('UnitFileState'),
    needsReload: get('NeedDaemonReload') === 'yes',
    invocation: get('InvocationID'),
    startedUs: parseTime(get('ExecMainStartTimestamp')) || parseTime(get('InactiveExitTimestamp')),
    stamp,
  }
}

/** `Fri 2025-11-21 11:47:56.123456 UTC` in microseconds; 0 for never. */
function parseTime(text: string): number {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC/.exec(text)
  if (match === null) return 0
  return Date.parse(`${match[1] ?? ''}T${match[2] ?? ''}Z`) * 1000 + Number(match[3])
}
