import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../../src/model/errors.ts'
import type { LabSpec } from '../../src/model/lab-spec.ts'
import type { MachineRequest, Provider } from '../../src/model/provider.ts'
import { batched } from '../../src/providers/vagrant/batch.ts'
import { checkVagrant, openVagrant, vagrantVersion } from '../../src/providers/vagrant/command.ts'
import { findMachines, labsOfMachines, noteSpec } from '../../src/providers/vagrant/machines.ts'
import { notedMachines, removeNotes } from '../../src/providers/vagrant/notes.ts'
import { accepts, parseStatus } from '../../src/providers/vagrant/states.ts'
import { vagrantfileOf } from '../../src/providers/vagrant/vagrantfile.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { chooseProvider } from '../../src/workflows/choose-provider.ts'
import { noteHosts } from '../../src/workflows/held-hosts.ts'

const STATUS = `1700000000,mgmt,metadata,provider,virtualbox
1700000001,mgmt,provider-name,virtualbox
1700000001,mgmt,state,running
1700000001,mgmt,state-human-long,The VM is running.%!(VAGRANT_COMMA) To stop it...
1700000002,node1,state,poweroff
1700000003,node2,state,not_created
1700000004,node3,state,shutoff
1700000005,node4,state,paused
1700000006,,ui,info,Current machine states:\\n\\nmgmt  running
`

let directory: string
const path = process.env['PATH']

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-vagrant-')))
})
afterEach(async () => {
  process.env['PATH'] = path
  await rm(directory, { recursive: true })
})

/** What Vagrant notes of a machine that it has made. */
async function note(name: string, madeBy = 'virtualbox'): Promise<void> {
  const notes = join(directory, '.vagrant/machines', name, madeBy)
  await mkdir(notes, { recursive: true })
  await writeFile(join(notes, 'id'), `id-of-${name}`)
}

async function settle(addresses: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(directory, '.vagrant'), { recursive: true })
  await writeFile(join(directory, '.vagrant/lab.json'), JSON.stringify({ subnet: '127.0.0.0/24', addresses }))
}

/** A `vagrant` before any other, which is this script. */
async function fakeVagrant(script: string): Promise<void> {
  const bin = join(directory, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'vagrant'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  process.env['PATH'] = `${bin}${delimiter}${path ?? ''}`
}

describe('what Vagrant says', () => {
  test('of states: only what surely has no power counts as stopped', () => {
    expect(Object.fromEntries(parseStatus(STATUS))).toEqual({
      mgmt: 'running',
      node1: 'stopped',
      node2: 'missing',
      node3: 'stopped',
      node4: 'running',
    })
  })

  test('of its version', () => {
    expect(vagrantVersion('Vagrant 2.3.4\n')).toBe('2.3.4')
    expect(vagrantVersion('no version')).toBeUndefined()
  })

  test('when it fails: its last words, and the command to try by hand', async () => {
    await fakeVagrant('echo first; echo "the disk is full" >&2; exit 3')
    await expect(openVagrant(directory).run(['up', 'node1'])).rejects.toMatchObject({
      code: 'VAGRANT',
      message: expect.stringContaining('the disk is full') as string,
      hint: expect.stringContaining('vagrant up node1') as string,
    })
  })

  test('that is too old, or is not there, is refused with what to install', async () => {
    await fakeVagrant('echo Vagrant 2.2.19')
    const hint = expect.stringContaining('apt-get install vagrant') as string
    const tooOld = { code: 'NO_VAGRANT', message: expect.stringContaining('2.2.19 is too old') as string, hint }
    await expect(checkVagrant(openVagrant(directory))).rejects.toMatchObject(tooOld)
    process.env['PATH'] = join(directory, 'nothing')
    await expect(checkVagrant(openVagrant(directory))).rejects.toMatchObject({ code: 'NO_VAGRANT', hint })
  })
})

describe('machines', () => {
  test('are those that Vagrant notes and the Vagrantfile of lab settled; others are somebody else’s', async () => {
    await note('node1')
    await note('default')
    expect(await notedMachines(directory)).toEqual([])
    await settle({ node1: '127.0.0.1', node2: '127.0.0.2' })
    expect((await notedMachines(directory)).map(({ name, madeBy, id }) => [name, madeBy, id])).toEqual([
      ['node1', 'virtualbox', 'id-of-node1'],
    ])
  })

  test('of notes nothing is left once the machines are gone, except what is noted of others', async () => {
    await settle({ node1: '127.0.0.1' })
    await note('default')
    await removeNotes(directory)
    expect((await readdir(join(directory, '.vagrant'))).sort()).toEqual(['machines'])
    await rm(join(directory, '.vagrant/machines/default/virtualbox/id'))
    await removeNotes(directory)
    expect(await readdir(directory)).toEqual([])
  })

  test('go by the lab that set them up, whatever lab.yml calls it now', async () => {
    await settle({ node1: '127.0.0.1', node2: '127.0.0.2' })
    for (const name of ['node1', 'node2']) await note(name)
    expect(await labsOfMachines(directory)).toEqual([])
    const lab = { id: 'mine-0a1b2c', name: 'mine', directory, stateDirectory: join(directory, '.lab') }
    for (const name of ['node1', 'node2'])
      await noteSpec(lab, { node: { name }, specDigest: 'abc' } as unknown as MachineRequest)
    expect(await labsOfMachines(directory)).toEqual([{ id: 'mine-0a1b2c', directory }])
  })

  test('that answer nobody at their address are asked of Vagrant, all in one run', async () => {
    await fakeVagrant(`echo "$*" >>'${directory}/asked'; cat <<'END'\n${STATUS}END`)
    // Nobody can be there, and nothing is sent.
    const nowhere = '255.255.255.255'
    await settle({ mgmt: nowhere, node1: nowhere, node2: nowhere })
    for (const name of ['mgmt', 'node1', 'node2']) await note(name)
    const vagrant = openVagrant(directory)
    const found = await findMachines({ directory, vagrant, engine: () => Promise.reject(new Error('no engine')) })
    expect(found.map((machine) => [machine.name, machine.state, machine.ssh?.host, machine.specDigest])).toEqual([
      ['mgmt', 'running', nowhere, undefined],
      ['node1', 'stopped', undefined, undefined],
    ])
    expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('status --machine-readable\n')
  })

  test('accept connections, or do not', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { readonly port: number }
    expect(await accepts('127.0.0.1', port)).toBe(true)
    await new Promise((resolve) => server.close(resolve))
    expect(await accepts('127.0.0.1', port)).toBe(false)
  })
})

test('what is asked for together is one run, what comes later the next; failures are those of single ones', async () => {
  const runs: (readonly string[])[] = []
  const work = batched((names: readonly string[]) => {
    runs.push(names)
    return Promise.resolve(new Map(names.includes('bad') ? [['bad', new Error('bad does not start')]] : []))
  })
  const results = await Promise.allSettled(['one', 'bad', 'two'].map((name) => work(name)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  await work('three')
  expect(runs).toEqual([['one', 'bad', 'two'], ['three']])
})

describe('the Vagrantfile of a directory', () => {
  test('is a link to lab’s where there was none, and goes again', async () => {
    const origin = join(directory, 'product')
    await writeFile(origin, '')
    const file = vagrantfileOf(directory, origin)
    expect(await file.provide()).toBe(true)
    expect((await lstat(join(directory, 'Vagrantfile'))).isSymbolicLink()).toBe(true)
    expect(await file.provide()).toBe(false)
    await file.remove()
    expect(await readdir(directory)).toEqual(['product'])
  })

  test('of the user’s own is left alone, be it a link', async () => {
    await symlink('elsewhere', join(directory, 'Vagrantfile'))
    const file = vagrantfileOf(directory, join(directory, 'product'))
    expect(await file.provide()).toBe(false)
    await file.remove()
    expect(await readdir(directory)).toEqual(['Vagrantfile'])
  })
})

describe('the provider of a lab', () => {
  const choose = async (inLabFile: LabSpec['provider'], wanted?: LabSpec['provider'], containers = 0) => {
    const spec = { provider: inLabFile } as LabSpec
    const load = (chosen: LabSpec) => {
      const list = () => Promise.resolve(Array.from({ length: chosen.provider === 'docker' ? containers : 0 }))
      return Promise.resolve({ name: chosen.provider, list } as unknown as Provider)
    }
    const state = openStateDirectory(join(directory, '.lab'))
    const chosen = await chooseProvider({ lab: { directory }, spec, state, provider: wanted }, load)
    expect(chosen.spec.provider).toBe(chosen.provider.name)
    expect(chosen.said).toEqual({ name: inLabFile, overridden: wanted !== undefined })
    return chosen.provider.name
  }

  test('is what lab.yml says, or what is asked for, where there are no machines', async () => {
    expect(await choose('docker')).toBe('docker')
    expect(await choose('vagrant')).toBe('vagrant')
    expect(await choose('docker', 'vagrant')).toBe('vagrant')
    expect(await choose('vagrant', 'docker')).toBe('docker')
  })

  test('is the one with machines, whatever lab.yml says', async () => {
    expect(await choose('vagrant', undefined, 2)).toBe('docker')
    await settle({ node1: '127.0.0.1' })
    await note('node1')
    expect(await choose('docker')).toBe('vagrant')
    expect(await choose('ssh', 'vagrant')).toBe('vagrant')
  })

  test('is never a second one beside it', async () => {
    await expect(choose('docker', 'vagrant', 2)).rejects.toThrow(UsageError)
    await settle({ node1: '127.0.0.1' })
    await note('node1')
    await expect(choose('docker', 'docker')).rejects.toMatchObject({ code: 'OTHER_PROVIDER' })
  })

  test('is ssh as long as hosts are held, which lab.yml alone could find', async () => {
    const state = openStateDirectory(join(directory, '.lab'))
    await noteHosts(state, ['mgmt', 'node1'])
    expect(await choose('ssh')).toBe('ssh')
    const refused = {
      code: 'OTHER_PROVIDER',
      message: expect.stringContaining('(mgmt, node1), not made by') as string,
      hint: expect.stringContaining('say provider: ssh in lab.yml again') as string,
    }
    await expect(choose('docker')).rejects.toMatchObject(refused)
    await expect(choose('ssh', 'vagrant')).rejects.toMatchObject(refused)
    await state.remove()
    expect(await choose('docker')).toBe('docker')
  })
})
