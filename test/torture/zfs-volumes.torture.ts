import { volumeDriverContract } from '../contracts/volume-driver.ts'
import { startPoolPair } from '../volumes/pool-nodes.ts'

// The contract of ZFS volumes, with as many small files as btrfs is tried with: zfs-fuse takes its time over them.
volumeDriverContract('zfs', () => startPoolPair('zfs'))
