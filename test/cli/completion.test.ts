import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProgramWithCommands } from '../../src/cli/command-line.ts'
import { complete, type NameKind } from '../../src/cli/completion.ts'
import { COMPLETION_SCRIPTS, SHELLS } from '../../src/cli/completion-scripts.ts'
import { createSession } from '../../src/cli/session.ts'
import { memoryIo, run, scratchDirectory } from './command-line.ts'

const { io } = memoryIo('/')
const { program } = createProgramWithCommands(io, createSession(io, new AbortController(), []))
const NAMES: Readonly<Record<NameKind, readonly string[]>> = {
  node: ['mgmt', 'node1', 'node2'],
  service: ['nodeapp', 'nginx', 'mongo'],
  volume: ['mongo-data'],
  app: ['shop', 'nodeapp'],
  target: ['mgmt', 'node1', 'node2', 'web', 'worker', 'all'],
  saved: ['before'],
  run: ['14', '13', '12'],
}
const noNames = () => Promise.resolve([])
const words = async (...line: string[]) =>
  (await complete(program, line, (kind) => Promise.resolve(NAMES[kind]))).map(({ word }) => word)

describe('completion', () => {
  it('offers the commands first, and the options of lab behind a dash', async () => {
    expect(await words('')).toContain('move-volume')
    expect(await words('')).not.toContain('__complete')
    expect(await words('pl')).toEqual(['plan'])
    expect(await words('--')).toEqual(['--version', '--help'])
    expect(await words('help', 'volume', 'l')).toEqual(['list'])
    expect(await words('help', 'de')).toEqual(expect.arrayContaining(['deploy', 'destroy']))
  })

  it('says of a command what lab --help says of it, in a few words', async () => {
    const found = [...(await complete(program, [''], noNames)), ...(await complete(program, ['volume', ''], noNames))]
    expect(found.find(({ word }) => word === 'up')?.summary).toBe('create what is missing, converge everything')
    expect(Math.max(...found.map(({ summary }) => summary.length))).toBeLessThan(70)
  })

  it('offers names of what stands at that place', async () => {
    expect(await words('scale', 'n')).toEqual(['nodeapp', 'nginx'])
    expect(await words('scale', 'nodeapp', '')).toEqual([])
    expect(await words('move-volume', '')).toEqual(['mongo-data'])
    expect(await words('move-volume', 'mongo-data', 'node')).toEqual(['node1', 'node2'])
    expect(await words('deploy', 'shop', 'n')).toEqual(['nodeapp'])
    expect(await words('ssh', '')).toEqual(['mgmt', 'node1', 'node2'])
    expect(await words('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  it('goes on behind the first word of a group', async () => {
    expect(await words('volume', 'l')).toEqual(['list'])
    expect(await words('volume', 'rollback', '')).toEqual(['mongo-data'])
    expect(await words('volume', 'move', 'mongo-data', 'mo')).toEqual(['mongo-data'])
    expect(await words('volume', 'move', '--evacuate', 'node')).toEqual(['node1', 'node2'])
    expect(await words('volume', 'create', 'scratch', '--on', 'node1')).toEqual(['node1'])
    expect(await words('volume', '--')).toEqual(['--help'])
    expect(await words('volume', 'list', '--l')).toEqual(['--lab'])
    expect(await words('volume', 'no-such-command', '')).toEqual([])
    expect(await words('snapshot', 'restore', '')).toEqual(['before'])
    expect(await words('node', 'kill', 'node1', 'node')).toEqual(['node1', 'node2'])
  })

  it('offers options, and the values of those that take nodes', async () => {
    expect(await words('up', '--li')).toEqual(['--limit'])
    expect(await words('up', '--limit', 'node')).toEqual(['node1', 'node2'])
    expect(await words('up', '--limit', 'node1,')).toContain('node1,mgmt')
    expect(await words('node', 'partition', 'node1', '--from', '')).toEqual(NAMES.node)
    expect(await words('node', 'partition', 'node1', '--from', 'node1,n')).toEqual(['node1,node2'])
    expect(await words('sh', '--on', 'w')).toEqual(['web', 'worker'])
    expect(await words('sh', '--on', 'web,web')).toEqual([])
    expect(await words('runs', '')).toEqual(['show', 'diff'])
    expect(await words('runs', 'diff', '12', '1')).toEqual(['14', '13', '12'])
    expect(await words('run', 'motd.ts', '--s')).toEqual(['--step', '--start-at'])
    expect(await words('up', '--tags', '')).toEqual([])
    expect(await words('logs', '--node', 'node2', 'mo')).toEqual(['mongo'])
  })

  it('keeps out of what lab does not know: files, and command lines of others', async () => {
    expect(await words('run', '')).toEqual([])
    expect(await words('exec', 'nodeapp', '--', '')).toEqual([])
    expect(await words('no-such-command', '')).toEqual([])
  })

  it('asks lab.yml for nodes, and says nothing where there is no lab', async () => {
    const directory = await scratchDirectory()
    expect((await run(['__complete', '--', 'ssh', ''], directory)).stdout).toBe('')
    writeFileSync(join(directory, 'lab.yml'), '')
    expect((await run(['__complete', '--', 'ssh', 'node'], directory)).stdout).toBe(
      'node1\tnode\nnode2\tnode\nnode3\tnode\n',
    )
  })
})

describe('completion scripts', () => {
  const installed = (shell: string) => {
    try {
      execFileSync('sh', ['-c', `command -v ${shell}`])
      return true
    } catch {
      return false
    }
  }

  it.each(SHELLS)('%s is printed by lab completion', async (shell) => {
    expect((await run(['completion', shell], '/')).stdout).toBe(COMPLETION_SCRIPTS[shell])
  })

  for (const shell of SHELLS) {
    it.skipIf(!installed(shell))(`${shell} takes its script as valid (skipped where there is no ${shell})`, () => {
      expect(execFileSync(shell, ['-n'], { input: COMPLETION_SCRIPTS[shell] }).toString()).toBe('')
    })
  }

  it('bash fills in what lab answers, empty words and words with spaces included', async () => {
    const directory = await scratchDirectory()
    writeFileSync(join(directory, 'lab'), '#!/bin/sh\nprintf \'%s\\tabout it\\n\' "$#" "$3" "a b"\n')
    chmodSync(join(directory, 'lab'), 0o755)
    const script = `${COMPLETION_SCRIPTS.bash}
      COMP_WORDS=(./lab scale ''); COMP_CWORD=2; _lab
      printf '%s|' "\${COMPREPLY[@]}"`
    expect(execFileSync('bash', ['-c', script], { cwd: directory }).toString()).toBe('4|scale|a b|')
  })
})
