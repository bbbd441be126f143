import { LabError } from './errors.ts'
import { isName, LABELS } from './names.ts'
import { ROLLBACK_PHASES, type OpenRollback } from './rollback.ts'
import { MOVE_PHASES, VOLUME_DRIVERS, type OpenMove, type VolumeRecord } from './volume.ts'

/** Labels of the object that holds a record, besides those of {@link LABELS}. The text is a contract. */
const KEYS = {
  driver: 'lab.record.driver',
  owner: 'lab.record.owner',
  epoch: 'lab.record.epoch',
  phase: 'lab.record.phase',
  move: 'lab.record.move',
  base: 'lab.record.base',
  lockPort: 'lab.record.lock-port',
  limit: 'lab.record.limit',
  rollback: 'lab.record.rollback',
} as const

/** Pure: a record as labels. */
export function recordLabels(record: VolumeRecord): Readonly<Record<string, string>> {
  return {
    [LABELS.volume]: record.name,
    [LABELS.app]: record.app,
    [LABELS.service]: record.service,
    [KEYS.driver]: record.driver,
    [KEYS.owner]: record.owner,
    [KEYS.epoch]: String(record.epoch),
    [KEYS.phase]: record.phase,
    [KEYS.lockPort]: String(record.lockPort),
    ...(record.move === undefined ? {} : { [KEYS.move]: JSON.stringify(record.move) }),
    ...(record.base === undefined ? {} : { [KEYS.base]: record.base }),
    ...(record.limitBytes === undefined ? {} : { [KEYS.limit]: String(record.limitBytes) }),
    ...(record.rollback === undefined ? {} : { [KEYS.rollback]: JSON.stringify(record.rollback) }),
  }
}

/** Pure: the record that labels hold. Throws `LabError` `VOLUME_RECORD` when they hold none that makes sense. */
export function readRecord(labels: Readonly<Record<string, string>>): VolumeRecord {
  const name = labels[LABELS.volume] ?? ''
  const wrong = (key: string): never => {
    throw new LabError('VOLUME_RECORD', `the record of volume "${name}" has ${key} "${labels[key] ?? ''}"`, {
      where: `docker config of ${name}`,
      hint: 'somebody changed it by hand; put the label back as it was',
    })
  }
  const named = (key: string): string => (isName(labels[key] ?? '') ? (labels[key] ?? '') : wrong(key))
  const number = (key: string): number => (/^\d{1,15}$/.test(labels[key] ?? '') ? Number(labels[key]) : wrong(key))
  const namedOrNone = (key: string): string => (labels[key] === '' ? '' : named(key))
  const driver = VOLUME_DRIVERS.find((each) => each === labels[KEYS.driver]) ?? wrong(KEYS.driver)
  const phase = MOVE_PHASES.find((each) => each === labels[KEYS.phase]) ?? wrong(KEYS.phase)
  const move = labels[KEYS.move] === undefined ? undefined : readMove(labels[KEYS.move] ?? '')
  if ((phase === 'idle') !== (move === undefined)) wrong(KEYS.move)
  const rollback = labels[KEYS.rollback] === undefined ? undefined : readRollback(labels[KEYS.rollback] ?? '')
  if (labels[KEYS.rollback] !== undefined && (rollback === undefined || phase !== 'idle')) wrong(KEYS.rollback)
  return {
    name: named(LABELS.volume),
    app: namedOrNone(LABELS.app),
    service: namedOrNone(LABELS.service),
    driver,
    owner: named(KEYS.owner),
    epoch: number(KEYS.epoch),
    phase,
    move,
    base: labels[KEYS.base] === undefined ? undefined : named(KEYS.base),
    lockPort: number(KEYS.lockPort),
    ...(labels[KEYS.limit] === undefined ? {} : { limitBytes: number(KEYS.limit) }),
    ...(rollback === undefined ? {} : { rollback }),
  }
}

function readMove(text: string): OpenMove | undefined {
  const { id, run, source, target, startedAt } = parseObject(text)
  if (!isEpoch(id) || typeof startedAt !== 'string') return undefined
  if (!isWord(run) || !isWord(source) || !isWord(target)) return undefined
  return { id, run, source, target, startedAt }
}

function readRollback(text: string): OpenRollback | undefined {
  const { id, run, phase, snapshot, startedAt } = parseObject(text)
  const known = ROLLBACK_PHASES.find((each) => each === phase)
  if (!isEpoch(id) || typeof startedAt !== 'string' || known === undefined) return undefined
  if (!isWord(run) || !isWord(snapshot)) return undefined
  return { id, run, phase: known, snapshot, startedAt }
}

/** Whoever reads the record says what is wrong with a text that holds nothing. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isEpoch(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && isName(value)
}
