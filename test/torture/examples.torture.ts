import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { messageTexts, postMessage } from '../e2e/client.ts'
import { container, docker, lab, labOk, status } from '../e2e/harness.ts'

/* Examples of lab.yml as a user starts from them: up, with the sample on it, and what they are for is there. */
const ROOT = resolve(import.meta.dirname, '../..')
/** Images go to the far ends of a slow line. */
const LONG = { timeoutMs: 900_000 }
const BYTES = 8_000_000

const made: string[] = []
afterAll(async () => {
  for (const cwd of made) {
    await lab(['destroy', '--yes'], { cwd })
    await rm(cwd, { recursive: true, force: true })
  }
})

/** Brings an example up in a directory of its own, writes into the sample there and reads it again. */
async function bringUp(name: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), `lab-${name}-of-${String(process.pid)}-`))
  made.push(cwd)
  await cp(join(ROOT, 'examples', name, 'lab.yml'), join(cwd, 'lab.yml'))
  await cp(join(ROOT, 'apps'), join(cwd, 'apps'), { recursive: true })
  await labOk(['up'], { cwd, ...LONG })
  await labOk(['deploy', 'apps/mongo', 'apps/nodeapp', 'apps/nginx'], { cwd, ...LONG })
  const { edge } = await status({ cwd })
  await postMessage(edge, `hello ${name}`)
  expect(await messageTexts(edge)).toContain(`hello ${name}`)
  await wantsNothing(cwd)
  return cwd
}

async function wantsNothing(cwd: string): Promise<void> {
  const plan = await lab(['plan'], { cwd })
  expect(plan.exitCode, plan.stdout).toBe(0)
}

test('single: one machine serves the sample, with three tasks of a service', async () => {
  const cwd = await bringUp('single')
  await labOk(['scale', 'nodeapp', '3'], { cwd })
  const { nodes, services } = await status({ cwd })
  expect(nodes).toHaveLength(1)
  expect(services.map(({ name, running, desired }) => [name, running, desired]).sort()).toEqual([
    ['mongo', 1, 1],
    ['nginx', 1, 1],
    ['nodeapp', 3, 3],
  ])
})

test('edge-wan: far nodes are behind a slow line and near each other, also after a start of one of them', async () => {
  const cwd = await bringUp('edge-wan')
  const asWritten = async () => {
    for (const [from, to] of [
      ['near1', 'far1'],
      ['far2', 'near2'],
      ['far1', 'mgmt'],
    ] as const) {
      const rate = await megabitsPerSecond(cwd, from, to)
      expect(rate, `from ${from} to ${to}`).toBeGreaterThan(10)
      expect(rate, `from ${from} to ${to}`).toBeLessThan(24)
    }
    for (const [from, to] of [
      ['near1', 'near2'],
      ['far1', 'far2'],
    ] as const) {
      expect(await megabitsPerSecond(cwd, from, to), `from ${from} to ${to}`).toBeGreaterThan(100)
    }
  }
  await asWritten()
  await labOk(['node', 'stop', 'far1'], { cwd })
  // By the host's engine, as after a boot of the host: lab has no hand in it.
  const far1 = await container('far1', cwd)
  await docker('start', far1)
  const booted = 'until [ "$(systemctl is-system-running --wait 2>/dev/null)" = running ]; do sleep 0.1; done'
  await docker('exec', far1, 'timeout', '90', 'sh', '-c', booted)
  await asWritten()
  await wantsNothing(cwd)
})

/** How fast a node sends to another: TCP, until the other has it all. */
async function megabitsPerSecond(cwd: string, from: string, to: string): Promise<number> {
  const address = (await status({ cwd })).nodes.find(({ name }) => name === to)?.address ?? ''
  const [sender, receiver] = [await container(from, cwd), await container(to, cwd)]
  const listen = `timeout 60 busybox nc -l -p 9000 -e sh -c 'head -c ${String(BYTES)} >/dev/null; echo all'`
  await docker('exec', '-d', receiver, 'sh', '-c', listen)
  await docker('exec', receiver, 'timeout', '20', 'sh', '-c', 'until ss -Hltn | grep -q :9000; do sleep 0.05; done')
  const send = `exec 3<>/dev/tcp/${address}/9000
start=$(date +%s%N)
head -c ${String(BYTES)} /dev/zero >&3
read -r answer <&3 && [ "$answer" = all ] && echo $(($(date +%s%N) - start))`
  const nanoseconds = Number(await docker('exec', sender, 'timeout', '60', 'bash', '-c', send))
  return (BYTES * 8) / (nanoseconds / 1000)
}
