import { expect, test } from 'vitest'
import { shuffled, seeded } from '../../src/chaos/seeded.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { missingMessages, bookAnswers, postMessage } from '../e2e/client.ts'
import { loadLab } from '../../src/config/load.ts'
import { awaitWhole } from '../../src/workflows/chaos-look.ts'
import { openLab, type OpenLab } from '../../src/workflows/open-lab.ts'
import { statusDocument } from '../../src/workflows/status.ts'
import { container, docker, ensureSample, lab, labDirectory, labOk } from '../e2e/harness.ts'

/*
 * The law: however a lab goes down and whatever comes up first, afterwards all is as before: addresses, host keys, names,
 * data, services and the URL. Nodes are killed all at once, as a host that loses its power does it, and started by the
 * host's engine alone, in random order with pauses between, as it does it after a boot; every fourth time lab halts them
 * and `lab up` brings them up. --restarts N times; --seed says in which order.
 */
const RESTARTS = Number(process.env['LAB_TORTURE_RESTARTS'] ?? 20)
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? Date.now() % 1_000_000)
const NODES = ['mgmt', 'node1', 'node2', 'node3']
/** Engines look for names that they lost every minute. */
const BACK_MS = 300_000
const MOST_PAUSE_MS = 4000
const HOST_KEY = '/etc/ssh/ssh_host_ed25519_key.pub'

test(`${String(RESTARTS)} restarts in random order: all is as before`, async () => {
  await ensureSample(3)
  const next = seeded(SEED)
  const texts: string[] = []
  const before = await whole()
  const { edge } = before
  console.log(`--seed ${String(SEED)}`)
  for (let number = 1; number <= RESTARTS; number++) {
    const text = `restart ${String(SEED)}-${String(number)}`
    await bookAnswers(edge)
    await postMessage(edge, text)
    texts.push(text)
    const order = shuffled(NODES, next)
    const byHand = number % 4 === 0
    const how = byHand ? 'halt, up' : `kill, start ${order.join(' ')}`
    if (byHand) await labOk(['halt'])
    else await docker('kill', ...(await Promise.all(NODES.map((name) => container(name)))))
    const started = performance.now()
    if (byHand) await labOk(['up'])
    for (const name of byHand ? [] : order) {
      await docker('start', await container(name))
      // The host's engine does other things between.
      await delay(next() * MOST_PAUSE_MS)
    }
    expect(await whole(), how).toEqual(before)
    await bookAnswers(edge)
    const tookS = Math.round((performance.now() - started) / 1000)
    console.log(`${String(number)}: ${how}: as before after ${String(tookS)} s`)
    expect(await missingMessages(edge, texts), how).toEqual([])
  }
  const plan = await lab(['plan'])
  expect(plan.exitCode, plan.stdout).toBe(0)
})

/** Waits until the lab is whole, names and all, and says what must be the same afterwards, whatever node a task is on. */
async function whole() {
  return opened(async (open) => {
    expect(await awaitWhole(open, { deadlineMs: BACK_MS, anew: NODES })).toEqual([])
    const { edge, nodes, services, volumes } = await statusDocument(open)
    return {
      edge: edge ?? '',
      nodes: nodes.map(({ name, address, state, swarm }) => ({ name, address, state, swarm })),
      hostKeys: await Promise.all(NODES.map(async (name) => (await open.connect(name)).readFile(HOST_KEY))),
      services: services.map(({ name, desired, running, image, urls }) => ({ name, desired, running, image, urls })),
      volumes: volumes.map(({ name, owner, phase }) => ({ name, owner, phase })),
    }
  })
}

async function opened<T>(work: (open: OpenLab) => Promise<T>): Promise<T> {
  const { signal } = new AbortController()
  const open = await openLab({ ...(await loadLab(labDirectory())), signal, emit: () => undefined })
  try {
    return await work(open)
  } finally {
    await open.close()
  }
}
