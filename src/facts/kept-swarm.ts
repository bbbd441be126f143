import type { FactQuery } from '../model/step.ts'

/** What the disk of a node says of a swarm, whether its engine runs or not. */
export interface KeptSwarm {
  /** It has the swarm's own records (services, volumes, members): it is a manager, or was one when it was switched off. */
  readonly keeps: boolean
  /** Addresses of the managers it knows; none where it is in no swarm. */
  readonly managers: readonly string[]
}

const DIRECTORY = '/var/lib/docker/swarm'

/** Asks a node's disk for the swarm it is in. A manager that was demoted, or left, has no records any more. */
export const keptSwarm: FactQuery<KeptSwarm> = {
  key: 'kept-swarm',
  script: `for records in ${DIRECTORY}/raft/wal-*/*.wal; do
  [ ! -e "$records" ] || { echo keeps; break; }
done
cat ${DIRECTORY}/state.json 2>/dev/null
:`,
  parse: ({ stdout }) => ({
    keeps: stdout.startsWith('keeps\n'),
    managers: [...stdout.matchAll(/"addr":"([^"]+):\d+"/g)].flatMap(([, address]) => address ?? []),
  }),
}
