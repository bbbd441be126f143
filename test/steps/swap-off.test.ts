import { expect, test } from 'vitest'
import type { SwapState } from '../../src/facts/swap-state.ts'
import { swapOff } from '../../src/steps/swap-off.ts'
import { consider } from './step-case.ts'

const facts = (state: Partial<SwapState>) => ({ swap: { active: [], fstab: [], isContainer: false, ...state } })

test('no swap is nothing to do; what brings it back goes before what is in use', async () => {
  expect((await consider(swapOff({}), facts({}))).changes).toEqual([])
  const { changes, commands } = await consider(swapOff({}), facts({ active: ['/dev/sda2'], fstab: [4] }))
  expect(changes.map(({ path }) => path)).toEqual(['/dev/sda2', '/etc/fstab'])
  expect(commands.map(({ argv }) => argv[0])).toEqual(['sh', 'swapoff'])
  const live = await consider(swapOff({}), facts({ active: ['/dev/sda2'] }))
  expect(live.commands.map(({ argv }) => argv[0])).toEqual(['swapoff'])
})

test('a container leaves the swap of its host alone', async () => {
  expect((await consider(swapOff({}), facts({ active: ['/dev/sda2'], isContainer: true }))).changes).toEqual([])
  expect((await consider(swapOff({}), facts({ fstab: [1], isContainer: true }))).changes).toHaveLength(1)
})
