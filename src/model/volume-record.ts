import { LabError } from './errors.ts'
import { isName, LABELS } from './names.ts'
import { ROLLBACK_PHASES, type OpenRollback } from './rollback.ts'
import { policyText, readPolicy } from './volume-policy.ts'
import { MOVE_PHASES, VOLUME_DRIVERS, type OpenMove, type VolumeRecord } from './volume.ts'

/** Labels of the object that holds a record, besides those of {@link LABELS}. The text is a contract. */
export const RECORD_LABELS = {
  driver: 'lab.record.driver',
  owner: 'lab.record.owner',
  epoch: 'lab.record.epoch',
  phase: 'lab.record.phase',
  move: 'lab.record.move',
  base: 'lab.record.base',
  lockPort: 'lab.record.lock-port',
  limit: 'lab.record.limit',
  rollback: 'lab.record.rollback',
  policy: 'lab.record.policy',
} as const

/** Pure: a record as labels. */
export function recordLabels(record: VolumeRecord): Readonly<Record<string, string>> {
  return {
    [LABELS.volume]: record.name,
    [LABELS.app]: record.app,
    [LABELS.service]: record.service,
    [RECORD_LABELS.driver]: record.driver,
    [RECORD_LABELS.owner]: record.owner,
    [RECORD_LABELS.epoch]: String(record.epoch),
    [RECORD_LABELS.phase]: record.phase,
    [RECORD_LABELS.lockPort]: String(record.lockPort),
    ...(record.move === undefined ? {} : { [RECORD_LABELS.move]: JSON.stringify(record.move) }),
    ...(record.base === undefined ? {} : { [RECORD_LABELS.base]: record.base }),
    ...(record.limitBytes === undefined ? {} : { [RECORD_LABELS.limit]: String(record.limitBytes) }),
    ...(record.rollback === undefined ? {} : { [RECORD_LABELS.rollback]: JSON.stringify(record.rollback) }),
    ...(record.policy === undefined ? {} : { [RECORD_LABELS.policy]: policyText(record.policy) }),
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
  const driver = VOLUME_DRIVERS.find((each) => each === labels[RECORD_LABELS.driver]) ?? wrong(RECORD_LABELS.driver)
  const phase = MOVE_PHASES.find((each) => each === labels[RECORD_LABELS.phase]) ?? wrong(RECORD_LABELS.phase)
  const move = labels[RECORD_LABELS.move] === undefined ? undefined : readMove(labels[RECORD_LABELS.move] ?? '')
  if ((phase === 'idle') !== (move === undefined)) wrong(RECORD_LABELS.move)
  const rollback =
    labels[RECORD_LABELS.rollback] === undefined ? undefined : readRollback(labels[RECORD_LABELS.rollback] ?? '')
  if (labels[RECORD_LABELS.rollback] !== undefined && (rollback === undefined || phase !== 'idle'))
    wrong(RECORD_LABELS.rollback)
  const orders = labels[RECORD_LABELS.policy]
  const policy = orders === undefined ? undefined : (readPolicy(orders) ?? wrong(RECORD_LABELS.policy))
  return {
    name: named(LABELS.volume),
    app: namedOrNone(LABELS.app),
    service: namedOrNone(LABELS.service),
    driver,
    owner: named(RECORD_LABELS.owner),
    epoch: number(RECORD_LABELS.epoch),
    phase,
    move,
    base: labels[RECORD_LABELS.base] === undefined ? undefined : named(RECORD_LABELS.base),
    lockPort: number(RECORD_LABELS.lockPort),
    ...(labels[RECORD_LABELS.limit] === undefined ? {} : { limitBytes: number(RECORD_LABELS.limit) }),
    ...(rollback === undefined ? {} : { rollback }),
    ...(policy === undefined ? {} : { policy }),
  }
}

function readMove(text: string): OpenMove | undefined {
  const { id, run, source, target, startedAt, promotes } = parseObject(text)
  if (!isEpoch(id) || typeof startedAt !== 'string') return undefined
  if (!isWord(run) || !isWord(source) || !isWord(target)) return undefined
  const move = { id, run, source, target, startedAt }
  if (promotes === undefined) return move
  return isWord(promotes) ? { ...move, promotes } : undefined
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
