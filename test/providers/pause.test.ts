import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { pauseContainer } from '../../src/providers/docker/pause.ts'

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
