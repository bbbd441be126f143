import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { startReader } from './client.ts'
import { container, docker, lab, labEvents, labOk, status, writeFiles } from './harness.ts'

const LAB_YML = `name: edges
nodes:
  - { name: hub, roles: [manager, build, worker, registry, logs] }
  - { name: edge, roles: [edge], count: 2 }
volumes: { poolSize: 1GiB }
edge: { ports: [8001] }
`
const compose = (ports: string) => `services:
  page:
    image: debian:trixie-slim
    command: [perl, -MIO::Socket::INET, -e, "my $$s = IO::Socket::INET->new(LocalPort => 8000, Listen => 99, ReuseAddr => 1) or die; while (my $$c = $$s->accept) { sysread $$c, my $$asked, 4096; print $$c qq(HTTP/1.0 200 OK\\r\\n\\r\\npage); close $$c }"]
    ports: [${ports}]
`
let cwd: string

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lab-edges-'))
  await writeFiles(cwd, { 'lab.yml': LAB_YML, 'apps/page/compose.yml': compose('"80:8000"') })
  await labOk(['up'], { cwd })
  await labOk(['deploy', 'page'], { cwd })
})
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd })
  await rm(cwd, { recursive: true, force: true })
})

const notes = async () => ((await status({ cwd })) as unknown as { readonly notes: readonly string[] }).notes

test('the URL answers while an edge is dead, routes change meanwhile, and the edge learns them when it is back', async () => {
  const { edge } = await status({ cwd })
  // What is under way through it goes with it; whoever comes after that is to notice nothing.
  await docker('kill', await container('edge1', cwd))
  const client = startReader(edge)
  await waitFor(
    async () => ((await notes()).some((note) => note.startsWith('edge2 is the last edge')) ? true : undefined),
    {
      deadlineMs: 20_000,
      what: 'status to say how many edges are left',
    },
  )
  const seen = await client.stop()
  expect(seen.errors).toEqual([])
  expect(seen.requests).toBeGreaterThan(10)

  await writeFiles(cwd, { 'apps/page/compose.yml': compose('"80:8000", "8001:8000"') })
  const deployed = await labEvents(['deploy', 'page'], { cwd })
  expect(deployed.last, deployed.ran.stdout).toMatchObject({ type: 'deployed', changed: true })
  const told = deployed.events.filter(({ type }) => type === 'notice').map(({ message }) => message)
  expect(told).toEqual([expect.stringMatching(/^edge1 does not know the routes as they are now/)])

  await labOk(['up'], { cwd })
  expect(await notes()).toEqual([])
  await docker('kill', await container('edge2', cwd))
  const urls = (await status({ cwd })).services[0]?.urls ?? []
  expect(urls[0]).toBe(edge)
  expect(urls).toHaveLength(2)
  for (const url of urls) expect(await (await fetch(url)).text()).toBe('page')
  await labOk(['up'], { cwd })
})
