import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { LabError } from '../../src/model/errors.ts'
import type { Machine } from '../../src/model/provider.ts'
import { firstManager } from '../../src/workflows/open-lab.ts'

/** A lab with these machines, on none of which an engine answers. */
const silent = (machines: readonly Machine[]) => ({
  lab: { id: 'here-000000', name: 'here', directory: '/here', stateDirectory: '/here/.lab' },
  spec: parseLab('', { file: 'lab.yml', defaultName: 'here' }),
  signal: new AbortController().signal,
  machines: () => Promise.resolve(machines),
  engine: () => Promise.reject(new LabError('UNREACHABLE', 'mgmt is stopped', { hint: 'lab up' })),
})

test('a lab without machines is not up, which is no fault of its managers', async () => {
  await expect(firstManager(silent([]))).rejects.toMatchObject({
    code: 'NOT_UP',
    message: 'the lab "here" is not up',
    hint: 'lab up',
  })
})

test('of a lab that has machines, no manager answers', async () => {
  const off: Machine = { name: 'mgmt', state: 'stopped', address: '10.0.0.11', ssh: undefined, specDigest: undefined }
  await expect(firstManager(silent([off]))).rejects.toMatchObject({
    code: 'NO_MANAGER',
    message: expect.stringContaining('mgmt is stopped') as string,
  })
})
