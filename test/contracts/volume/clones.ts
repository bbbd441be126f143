import { expect, test } from 'vitest'
import type { DriverBench } from './bench.ts'

/** Volumes made of a snapshot of another one. */
export function cloneCases(at: DriverBench): void {
  const { sh, live, find, names } = at
  const twin = () => `${at.volume}-twin`
  const note = (volume = at.volume) => sh(at.from, `cat ${live(volume)}/note`)
  const makeOrigin = async () => {
    await at.from.driver.create(at.volume)
    for (const each of ['one', 'two', 'three']) {
      await sh(at.from, `echo ${each} > ${live()}/note`)
      await at.from.driver.snapshot(at.volume, each)
    }
  }

  test('a clone holds what the snapshot holds, and is written apart from its origin', async () => {
    await makeOrigin()
    await at.from.driver.setLimit(at.volume, 20_000_000)
    await at.from.driver.clone(at.volume, 'two', twin())
    expect(await note(twin())).toBe('two')
    expect(await find(at.from, twin())).toEqual({
      name: twin(),
      live: 'writable',
      snapshots: [],
      limitBytes: undefined,
    })
    await sh(at.from, `echo mine > ${live(twin())}/note`)
    expect(await note()).toBe('three')
    expect(await names(at.from)).toEqual(['one', 'two', 'three'])
  })

  test('a clone does not replace a volume, and needs a snapshot that is there', async () => {
    await makeOrigin()
    await at.from.driver.create(twin())
    await expect(at.from.driver.clone(at.volume, 'two', twin())).rejects.toThrow(/already/)
    await expect(at.from.driver.clone(at.volume, 'four', `${at.volume}-other`)).rejects.toThrow(/no snapshot/)
    expect(await find(at.from, `${at.volume}-other`)).toBeUndefined()
    expect(await sh(at.from, `ls -A ${live(twin())}`)).toBe('')
  })

  test('a clone outlives its origin, with snapshots of its own only', async () => {
    await makeOrigin()
    await at.from.driver.clone(at.volume, 'two', twin())
    await sh(at.from, `echo mine > ${live(twin())}/note`)
    await at.from.driver.snapshot(twin(), 'own')
    await at.from.driver.destroy(at.volume)
    expect(await find(at.from)).toBeUndefined()
    expect(await note(twin())).toBe('mine')
    expect(await names(at.from, twin())).toEqual(['own'])
    const arrived = await at.to.driver.receive(twin(), 'own', await at.from.driver.send(twin(), 'own'))
    expect((await find(at.from, twin()))?.snapshots[0]?.identity).toBe(arrived.identity)
  })

  test('the snapshot a clone was made of can be deleted', async () => {
    await makeOrigin()
    await at.from.driver.clone(at.volume, 'two', twin())
    await at.from.driver.deleteSnapshot(at.volume, 'two')
    expect(await names(at.from)).toEqual(['one', 'three'])
    expect(await note(twin())).toBe('two')
    await at.from.driver.destroy(twin())
    expect(await names(at.from)).toEqual(['one', 'three'])
  })

  test('a clone of a clone outlives both', async () => {
    await makeOrigin()
    const third = `${at.volume}-third`
    await at.from.driver.clone(at.volume, 'one', twin())
    await at.from.driver.snapshot(twin(), 'own')
    await at.from.driver.clone(twin(), 'own', third)
    await at.from.driver.destroy(at.volume)
    await at.from.driver.destroy(twin())
    expect(await note(third)).toBe('one')
    expect(await names(at.from, third)).toEqual([])
  })
}
