import { startPoolPair } from '../volumes/pool-nodes.ts'
import { volumeDriverContract } from './volume-driver.ts'

volumeDriverContract('zfs', () => startPoolPair('zfs'))
