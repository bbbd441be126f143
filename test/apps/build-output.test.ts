import { expect, test } from 'vitest'
import { whyBuildFailed } from '../../src/apps/build-output.ts'

const STEPS = `#4 [bad 1/2] FROM docker.io/library/debian:trixie-slim
#4 DONE 0.0s

#5 [bad 2/2] RUN npm ci
#5 0.187 added nothing
#5 0.188 npm error code ENOTFOUND
#5 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
`
const RULE = '------'

test('says what the step that failed wrote, then what the builder says', () => {
  const stdout = `${STEPS}${RULE}
 > [bad 2/2] RUN npm ci:
0.187 added nothing
0.188 npm error code ENOTFOUND
0.189   at 1.2 of something
${RULE}
`
  expect(whyBuildFailed({ stdout, stderr: 'failed to solve: exit code: 1\n' }).split('\n')).toEqual([
    '[bad 2/2] RUN npm ci:',
    'added nothing',
    'npm error code ENOTFOUND',
    '  at 1.2 of something',
    'failed to solve: exit code: 1',
  ])
})

test('a build of which no step failed says what the builder says', () => {
  expect(whyBuildFailed({ stdout: STEPS, stderr: 'failed to solve: no such image\n' })).toBe(
    'failed to solve: no such image',
  )
  expect(whyBuildFailed({ stdout: 'killed\n', stderr: '' })).toBe('killed')
})

test('of much output the end is shown', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `0.1 line ${String(index)}`)
  const shown = whyBuildFailed({ stdout: [RULE, ' > RUN x:', ...lines, RULE].join('\n'), stderr: 'failed' }).split('\n')
  expect(shown.slice(-2)).toEqual(['line 99', 'failed'])
  expect(shown.length).toBeLessThan(40)
})
