import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engineAddress, openEngine } from '../../src/providers/docker/engine.ts'
import { ensureNodeImage } from '../../src/providers/docker/node-image.ts'
import { pauseContainer, resumeContainer } from '../../src/providers/docker/pause.ts'

const NAME = `lab-test-pause-${String(process.pid)}`
/** Somewhere in here the engine lets a command begin. */
const LONGEST_START_MS = 100
const ROUNDS = 25

let engine: Docker
beforeAll(async () => {
  engine = openEngine(await engineAddress())
  const image = await ensureNodeImage(engine, () => undefined, new AbortController().signal)
  const container = await engine.createContainer({
    name: NAME,
    Image: image,
    Entrypoint: ['sleep'],
    Cmd: ['600'],
    HostConfig: { NetworkMode: 'none', Init: true },
  })
  await container.start()
})
afterAll(() => engine.getContainer(NAME).remove({ force: true, v: true }))

test('a pause ends, also when a command began in the container in that moment', { timeout: 300_000 }, async () => {
  let stuck = 0
  for (let round = 0; round < ROUNDS && stuck === 0; round++) {
    const command = execa('docker', ['exec', NAME, 'true'], { reject: false, timeout: 60_000 })
    await delay((round / ROUNDS) * LONGEST_START_MS)
    await pauseContainer(engine.getContainer(NAME), 'node1')
    const begun = performance.now()
    await resumeContainer(engine, NAME, 'node1')
    // Sooner than that it was the engine alone.
    if (performance.now() - begun > 10_000) stuck++
    const { State } = await engine.getContainer(NAME).inspect()
    expect({ round, running: State.Running, paused: State.Paused }).toEqual({ round, running: true, paused: false })
    expect((await command).timedOut).toBe(false)
  }
  console.log(`the engine was stuck in ${String(stuck)} of the pauses`)
})
