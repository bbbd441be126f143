import { expect, test } from 'vitest'
import { channelSlots } from '../../src/connections/channel-slots.ts'
import { LabError } from '../../src/model/errors.ts'

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const marker = {}
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve(marker)])) !== marker
}

test('gives out as many as there are, then first come, first served', async () => {
  let waits = 0
  const slots = channelSlots(2, () => waits++)
  const [one] = await Promise.all([slots.take(), slots.take()])
  const third = slots.take()
  const fourth = slots.take()
  expect(await settled(third)).toBe(false)
  expect(waits).toBe(2)
  one()
  one()
  await third
  expect(await settled(fourth)).toBe(false)
})

test('who gives up waiting gets nothing and takes nothing', async () => {
  const slots = channelSlots(1, () => undefined)
  const release = await slots.take()
  const abort = new AbortController()
  const waiting = slots.take(abort.signal)
  const next = slots.take()
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  release()
  await next
})

test('a connection that is lost sends everybody away', async () => {
  const slots = channelSlots(1, () => undefined)
  await slots.take()
  const waiting = slots.take()
  slots.close(new LabError('UNREACHABLE', 'gone'))
  await expect(waiting).rejects.toThrow('gone')
  await expect(slots.take()).rejects.toThrow('gone')
})
