import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { APPLIED_FILE, appliedOf, noteApplied, readApplied } from '../../src/workflows/applied.ts'

const specOf = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'lab' })
const asked = (text: string) => appliedOf(specOf(text)).asked

test('what a lab is asked about before it is changed is told apart; what is done unasked is not', () => {
  expect(asked('edge: { ports: [443] }')).not.toBe(asked(''))
  expect(asked('volumes: { poolSize: 8GiB }')).not.toBe(asked(''))
  expect(asked('nodes: [{ name: mgmt, roles: [manager, build, edge, worker, registry, logs] }]')).not.toBe(asked(''))
  expect(asked('vars: { a: 1 }\napps: [nginx]\nedge: { port: 8090 }')).toBe(asked(''))
})

test('what was made of lab.yml is noted with the provider it named, whatever made the machines', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lab-applied-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const state = openStateDirectory(directory)
  expect(await readApplied(state)).toBeUndefined()
  const spec = { ...specOf(''), provider: 'vagrant' as const }
  await noteApplied({ state, spec, said: { name: 'docker', overridden: true } })
  expect(await readApplied(state)).toEqual({ managers: ['mgmt'], provider: 'docker', asked: asked('') })
  // A snapshot that was saved before anything was noted is restored with nothing noted.
  await state.write(APPLIED_FILE, '')
  expect(await readApplied(state)).toBeUndefined()
})
