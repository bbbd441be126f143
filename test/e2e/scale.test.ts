import { beforeAll, expect, test } from 'vitest'
import { startReader } from './client.ts'
import { ensureSample, lab, labDocument, labEvents, labOk, status } from './harness.ts'

interface Dns {
  readonly consistent: boolean
  readonly names: readonly {
    readonly name: string
    readonly expected: readonly string[]
    readonly seen: Readonly<Record<string, readonly string[]>>
  }[]
}

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(1)).edge
})

test('scaling waits for healthy tasks and for their addresses on every node, and nginx uses all of them', async () => {
  const { ran, last } = await labEvents(['scale', 'nodeapp', '3'])
  expect(ran.exitCode, ran.stderr).toBe(0)
  expect(last).toMatchObject({ type: 'scaled', service: 'nodeapp', from: 1, to: 3 })
  const scaledAt = performance.now()
  const addresses = [...(last['addresses'] as string[])].sort()
  expect(new Set(addresses).size).toBe(3)

  const answered = new Set<string>()
  while (answered.size < 3 && performance.now() - scaledAt < 2000) {
    const response = await fetch(`${edge}/api/whoami`)
    answered.add(((await response.json()) as { instance: string }).instance)
  }
  expect(answered.size).toBe(3)

  const dns = await labDocument<Dns>(['dns'])
  const name = dns.names.find((each) => each.name === 'nodeapp.lab.local')
  expect(dns.consistent).toBe(true)
  expect([...(name?.expected ?? [])].sort()).toEqual(addresses)
  expect(Object.keys(name?.seen ?? {}).sort()).toEqual(['mgmt', 'node1', 'node2', 'node3'])
  for (const seen of Object.values(name?.seen ?? {})) expect([...seen].sort()).toEqual(addresses)
})

test('what scale set stays through a deploy of the same file', async () => {
  await labOk(['scale', 'nodeapp', '2'])
  const { last } = await labEvents(['deploy', 'nodeapp'])
  expect(last).toMatchObject({ type: 'deployed', app: 'nodeapp', changed: false })
  const service = (await status()).services.find(({ name }) => name === 'nodeapp')
  expect(service).toMatchObject({ desired: 2, running: 2 })
})

test('scaling to 0 and back works', async () => {
  const down = await labEvents(['scale', 'nodeapp', '0'])
  expect(down.last).toMatchObject({ type: 'scaled', to: 0, addresses: [] })
  expect((await status()).services.find(({ name }) => name === 'nodeapp')).toMatchObject({ desired: 0, running: 0 })
  const back = await labEvents(['scale', 'nodeapp', '3'])
  expect(back.last).toMatchObject({ type: 'scaled', from: 0, to: 3 })
  expect((await fetch(`${edge}/api/whoami`)).status).toBe(200)
})

test('scaling to what it is already is done at once', async () => {
  await labOk(['scale', 'nodeapp', '3'])
  const { last } = await labEvents(['scale', 'nodeapp', '3'])
  expect(last).toMatchObject({ type: 'scaled', from: 3, to: 3 })
})

test('a service bound to a volume is not scaled past 1, and nothing changes', async () => {
  const before = (await status()).services.find(({ name }) => name === 'mongo')
  const { ran, last } = await labEvents(['scale', 'mongo', '2'])
  expect(ran.exitCode).not.toBe(0)
  expect(last.type).toBe('error')
  expect(String(last['message'])).toMatch(/volume/)
  const after = (await status()).services.find(({ name }) => name === 'mongo')
  expect(after).toEqual(before)
})

test.each([
  [['scale', 'nodeap', '3'], /nodeapp/],
  [['scale', 'nodeapp', 'three'], /number/],
  [['scale', 'nodeapp', '-1'], /./],
  [['scale', 'nodeapp'], /missing|argument/],
])('lab %j is refused with exit code 64 and a way on', async (args, expected) => {
  const ran = await lab(args)
  expect(ran.exitCode).toBe(64)
  expect(ran.stderr).toMatch(expected)
})

test('a client sees no error while nodeapp is scaled 3 to 6 to 2', async () => {
  await labOk(['scale', 'nodeapp', '3'])
  const client = startReader(`${edge}/api/whoami`)
  await labOk(['scale', 'nodeapp', '6'])
  await labOk(['scale', 'nodeapp', '2'])
  const { requests, errors } = await client.stop()
  expect(requests).toBeGreaterThan(100)
  expect(errors).toEqual([])
})
