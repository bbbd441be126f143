import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { readRecord, recordLabels } from '../model/volume-record.ts'
import type { StoredRecord, VolumeRecord, VolumeRecords } from '../model/volume.ts'
import { engineMessage, engineStatus } from './engine.ts'
import { isOutOfSequence } from './nodes.ts'

/** What the config holds; a config must not be empty, and cannot be changed: the record is in its labels. */
const CONTENT = Buffer.from('The record of this lab volume is in the labels of this object.\n').toString('base64')
/** Longest name of a config. */
const LONGEST = 64

/**
 * Records of volumes in the swarm's raft store: one docker config each, whose labels are changed by compare-and-swap
 * on the object's version. `engine` gives the engine of a manager.
 */
export function openVolumeRecords(engine: () => Promise<Docker>): VolumeRecords {
  return {
    list: async () => {
      const configs = (await (await engine()).listConfigs({ filters: { label: [LABELS.volume] } })) as readonly Stored[]
      return configs.map(read).sort((a, b) => (a.record.name < b.record.name ? -1 : 1))
    },
    create: async (record) => {
      try {
        const { id } = (await (
          await engine()
        ).createConfig({ Name: configName(record.name), Labels: recordLabels(record), Data: CONTENT })) as {
          id: string
        }
        return read((await (await engine()).getConfig(id).inspect()) as Stored)
      } catch (error) {
        if (engineStatus(error) !== 409) throw refused(record.name, error)
        throw new LabError('VOLUME_EXISTS', `there is a volume ${record.name} already`, { cause: error })
      }
    },
    replace: async (stored, next) => {
      const config = (await engine()).getConfig(stored.id)
      const labels = recordLabels(next)
      try {
        await config.update({
          _query: { version: stored.version },
          _body: { Name: configName(next.name), Labels: labels, Data: CONTENT },
        })
      } catch (error) {
        if (isOutOfSequence(error) || engineStatus(error) === 404) throw conflict(next, error)
        throw refused(next.name, error)
      }
      const now = read((await config.inspect()) as Stored)
      // Somebody may have changed it right after us: then what was written is no longer ours to go on from.
      if (JSON.stringify(recordLabels(now.record)) !== JSON.stringify(labels)) throw conflict(next)
      return now
    },
    remove: async (stored) => {
      try {
        await (await engine()).getConfig(stored.id).remove()
      } catch (error) {
        if (engineStatus(error) !== 404) throw refused(stored.record.name, error)
      }
    },
  }
}

interface Stored {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: { readonly Labels?: Readonly<Record<string, string>> }
}

function read(config: Stored): StoredRecord {
  return { record: readRecord(config.Spec.Labels ?? {}), id: config.ID, version: config.Version.Index }
}

/** Pure: the one name a volume's config can have, so that two of them cannot be made; a digest stands for a long one. */
export function configName(volume: string): string {
  const plain = `volume-${volume}`
  if (plain.length <= LONGEST) return plain
  const digest = createHash('sha256').update(volume).digest('hex').slice(0, 12)
  return `${plain.slice(0, LONGEST - digest.length - 1)}.${digest}`
}

function conflict(record: VolumeRecord, cause?: unknown): LabError {
  return new LabError(
    'VOLUME_CONFLICT',
    `another lab command took over ${record.name} (a move, or its removal); this one stopped and changed nothing more`,
    { where: `volume ${record.name}`, hint: 'lab volumes', cause },
  )
}

function refused(volume: string, error: unknown): unknown {
  if (engineStatus(error) === undefined) return error
  return new LabError('VOLUME_RECORD', `the swarm refused the record of ${volume}: ${engineMessage(error)}`, {
    where: `volume ${volume}`,
    cause: error,
  })
}
