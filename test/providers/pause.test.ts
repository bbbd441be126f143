import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { pauseContainer, resumeContainer } from '../../src/providers/docker/pause.ts'

/** A container whose engine answers so, one call after the other. */
function answering(...answers: readonly (Error | undefined)[]): {
  readonly container: Docker.Container
  calls: number
} {
  const subject = {
    calls: 0,
    container: {
      pause: async () => {
        const answer = answers[subject.calls++]
        if (answer !== undefined) throw answer
        return Promise.resolve()
      },
    } as unknown as Docker.Container,
  }
  return subject
}

const failure = (statusCode: number, message: string) =>
  Object.assign(new Error(message), { statusCode, json: { message } })

// A busy kernel cannot be had on demand, so the engine's answers are given.
test('an engine that gives up is asked again', async () => {
  const givenUp = failure(500, 'OCI runtime pause failed: unable to freeze: unknown')
  const busy = answering(givenUp, givenUp, undefined)
  await pauseContainer(busy.container, 'node1')
  expect(busy.calls).toBe(3)
})

test('a node that is paused already or does not run is left as it is; anything else is an error at once', async () => {
  await pauseContainer(answering(failure(409, 'is already paused')).container, 'node1')
  const broken = answering(failure(500, 'no space left on device'))
  await expect(pauseContainer(broken.container, 'node1')).rejects.toThrow('no space left')
  expect(broken.calls).toBe(1)
})

/** Runs work with an engine that ends each pause, and answers questions about the container so. */
async function withEngine(answer: (response: ServerResponse) => void, work: (engine: Docker) => Promise<unknown>) {
  const server = createServer(({ url }, response) => {
    if (url?.endsWith('/unpause') === true) response.writeHead(204).end()
    else answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await work(new Docker({ protocol: 'http', host: '127.0.0.1', port: (server.address() as AddressInfo).port }))
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const says = (paused: boolean) => (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ State: { Paused: paused } }))

test('a node goes on when the engine says so too', async () => {
  const answers = [true, true, false]
  await withEngine(
    (response) => says(answers.shift() ?? false)(response),
    (engine) => resumeContainer(engine, 'lab-node1', 'node1'),
  )
  expect(answers).toEqual([])
})

test.each([
  ['says "paused" for ever', says(true)],
  ['answers nothing', () => undefined],
])('an engine that %s is named, with how to go on', async (_what, answer) => {
  await withEngine(answer, async (engine) => {
    await expect(resumeContainer(engine, 'lab-node1', 'node1', 200)).rejects.toMatchObject({
      code: 'RESUME_FAILED',
      where: 'node1',
      hint: expect.stringContaining('lab node heal node1') as string,
    })
  })
})
