import type { VolumeDriver } from '../../src/model/volume.ts'

const unused = () => Promise.reject(new Error('moves do not use this'))

/** A driver for models of the protocol: what moves do not use fails. */
export function modelDriver(used: Partial<VolumeDriver>): VolumeDriver {
  return {
    name: 'btrfs',
    list: unused,
    usage: unused,
    // Only what is told to people while it is copied.
    usedBytes: () => Promise.resolve(0),
    create: unused,
    snapshot: unused,
    deleteSnapshot: unused,
    freeze: unused,
    thaw: unused,
    send: unused,
    receive: unused,
    promote: unused,
    demote: unused,
    destroy: unused,
    setLimit: unused,
    clone: unused,
    digest: unused,
    listing: unused,
    health: unused,
    changes: unused,
    ...used,
  }
}
