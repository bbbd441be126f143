import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { labIdentity } from '../../src/config/identity.ts'
import { findProgram } from '../../src/providers/docker/host-root.ts'
import { vagrantMissing } from '../vagrant-host.ts'

const ORIGIN = resolve(import.meta.dirname, '../../Vagrantfile')
const RECORDER = join(import.meta.dirname, 'vagrantfile-recorder.rb')
// Debian's Vagrant brings Ruby along; others have one of their own.
const noVagrant = await vagrantMissing()
const reason = noVagrant ?? ((await findProgram('ruby')) === undefined ? 'there is no Ruby on this host' : undefined)
const LAB_YML = `name: tried
subnet: 192.168.203.0/24
nodes:
  - { name: mgmt, roles: [manager, build, edge], memory: 2GiB }
  - { name: node1, roles: [worker, registry, logs], cpus: 1.5 }
  - { name: node, roles: [worker], count: 2, start: 2, memory: 512M, disks: { data: 10GiB, log: 512MiB } }
edge: { port: 18080 }
volumes: { poolSize: 30GiB }
`

/** What was asked for: a call, and its arguments. */
type Calls = readonly (readonly [call: string, given: readonly unknown[]])[]

describe.skipIf(reason !== undefined)(`the Vagrantfile${reason === undefined ? '' : ` (${reason})`}`, () => {
  let directory: string
  let calls: Calls

  const run = async (): Promise<Calls> => {
    const { stdout } = await execa('ruby', [RECORDER, join(directory, 'Vagrantfile')], { cwd: directory })
    return JSON.parse(stdout) as Calls
  }
  const asked = (call: string, from: Calls = calls) => from.filter(([name]) => name === call).map(([, given]) => given)
  const settled = async () =>
    JSON.parse(await readFile(join(directory, '.vagrant/lab.json'), 'utf8')) as {
      readonly subnet: string
      readonly addresses: Readonly<Record<string, string>>
      readonly networks?: Readonly<
        Record<string, { readonly subnet: string; readonly addresses: Readonly<Record<string, string>> }>
      >
    }
  const made = async (name: string) => {
    const notes = join(directory, '.vagrant/machines', name, 'virtualbox')
    await mkdir(notes, { recursive: true })
    await writeFile(join(notes, 'id'), 'some-id')
  }

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-vagrantfile-')))
    await symlink(ORIGIN, join(directory, 'Vagrantfile'))
  })
  afterAll(() => rm(directory, { recursive: true }))
  beforeEach(async () => {
    await rm(join(directory, '.vagrant'), { recursive: true, force: true })
    await writeFile(join(directory, 'lab.yml'), LAB_YML)
    calls = await run()
  })

  test('defines the nodes of lab.yml, those of a count numbered as lab does', () => {
    expect(asked('define').flat()).toEqual(['mgmt', 'node1', 'node2', 'node3'])
    expect(asked('node3.hostname')).toEqual([['node3']])
    expect(asked('box')).toEqual([['debian/trixie64']])
    expect(asked('box_check_update')).toEqual([[false]])
  })

  test('gives machines of VirtualBox name, address, memory, processors and disk', () => {
    const { id } = labIdentity('tried', directory)
    expect(asked('mgmt virtualbox.name')).toEqual([[`${id}-mgmt`]])
    expect(asked('mgmt virtualbox.memory')).toEqual([[2048]])
    expect(asked('node2 virtualbox.memory')).toEqual([[512]])
    expect(asked('node1 virtualbox.memory')).toEqual([[1024]])
    expect(asked('node1 virtualbox.cpus')).toEqual([[2]])
    expect(asked('node1 virtualbox.customize')).toEqual([[['modifyvm', 'id', '--cpuexecutioncap', '75']]])
    expect(asked('mgmt virtualbox.customize')).toEqual([[['modifyvm', 'id', '--cpuexecutioncap', '100']]])
    expect(asked('node1 virtualbox override.vm.network')).toEqual([
      ['private_network', { ip: '192.168.203.12', netmask: '255.255.255.0' }],
    ])
    expect(asked('node1 virtualbox override.vm.disk')).toEqual([['disk', { primary: true, size: '50GB' }]])
    expect(asked('node2 virtualbox override.vm.disk')).toEqual([['disk', { primary: true, size: '61GB' }]])
    expect(asked('mgmt.network')).toEqual([
      ['forwarded_port', expect.objectContaining({ guest: 80, host: 18080, host_ip: '127.0.0.1' })],
    ])
    expect(asked('node1.network')).toEqual([])
  })

  test('gives machines of libvirt the same', () => {
    const { id } = labIdentity('tried', directory)
    expect(asked('mgmt libvirt.default_prefix')).toEqual([[`${id}-`]])
    expect(asked('mgmt libvirt.memory')).toEqual([[2048]])
    expect(asked('node1 libvirt.cpus')).toEqual([[2]])
    expect(asked('node1 libvirt.machine_virtual_size')).toEqual([[50]])
    expect(asked('node3 libvirt override.vm.network')).toEqual([
      ['private_network', expect.objectContaining({ ip: '192.168.203.14', libvirt__network_name: id })],
    ])
  })

  test('gives containers limits, labels and the network of their own', () => {
    const { id } = labIdentity('tried', directory)
    const [arguments_] = asked('node2 docker.create_args').flat() as readonly (readonly string[])[]
    expect(arguments_).toEqual(
      expect.arrayContaining([`--memory=${String(512 * 2 ** 20)}`, `--label=lab.id=${id}`, '--label=lab.node=node2']),
    )
    expect(arguments_?.some((argument) => argument.startsWith('--cpus'))).toBe(false)
    expect(asked('node1 docker.create_args').flat().flat()).toContain('--cpus=1.5')
    expect(asked('node2 docker.env')).toEqual([[{ FIRST_KEY: 'ssh-rsa AAAA first' }]])
    expect(asked('node2 docker override.vm.network')).toEqual([
      ['private_network', expect.objectContaining({ ip: '192.168.203.13', subnet: '192.168.203.0/24' })],
    ])
  })

  test('machines that exist keep their addresses, and stay known, when lab.yml changes around them', async () => {
    await made('node1')
    await made('node3')
    await writeFile(
      join(directory, 'lab.yml'),
      `subnet: 10.1.2.0/24\nnodes: [{ name: new, roles: [manager, build, edge, worker, registry, logs] }, { name: node3 }]\n`,
    )
    const after = await run()
    expect(new Set(asked('define', after).flat())).toEqual(new Set(['new', 'node1', 'node3']))
    expect(await settled()).toEqual({
      subnet: '192.168.203.0/24',
      addresses: { node1: '192.168.203.12', node3: '192.168.203.14', new: '192.168.203.11' },
    })
  })

  test('a machine that is made anew gets the address it had, though a lower one is free', async () => {
    await made('node1')
    const nodes =
      '[{ name: new, roles: [manager, build, edge, worker, registry, logs] }, { name: node9 }, { name: node3 }]'
    await writeFile(join(directory, 'lab.yml'), `nodes: ${nodes}\n`)
    await run()
    expect((await settled()).addresses).toMatchObject({ node3: '192.168.203.14', node9: '192.168.203.13' })
  })

  test('where nothing is there yet, a subnet is found that the host does not use, and found again', async () => {
    await rm(join(directory, '.vagrant'), { recursive: true })
    await writeFile(join(directory, 'lab.yml'), '')
    const classic = await run()
    expect(asked('define', classic).flat()).toEqual(['mgmt', 'node1', 'node2', 'node3'])
    const { subnet, addresses } = await settled()
    expect(subnet).toMatch(/^(192\.168\.(5[6-9]|6[0-3])|10\.(6[4-9]|[78]\d)\.\d+)\.0\/24$/)
    expect(addresses['node1']).toBe(subnet.replace('.0/24', '.12'))
    await run()
    expect((await settled()).subnet).toBe(subnet)
  })

  test('machines get the networks of lab.yml when they are made, and keep them', async () => {
    const text = (networks: string, nodes: string) =>
      `subnet: 192.168.203.0/24\nnetworks: ${networks}\nnodes: [${nodes}]\n`
    const roles = 'roles: [manager, build, edge, worker, registry, logs]'
    const network = '{ storage: { subnet: 192.168.204.0/24 }, backup: }'
    const first = `{ name: mgmt, ${roles}, networks: [storage, backup] }, { name: node1, networks: [storage] }`
    await rm(join(directory, '.vagrant'), { recursive: true })
    await writeFile(join(directory, 'lab.yml'), text(network, first))
    const before = await run()
    expect(asked('node1 virtualbox override.vm.network', before)).toEqual([
      ['private_network', { ip: '192.168.203.12', netmask: '255.255.255.0' }],
      ['private_network', { ip: '192.168.204.12', netmask: '255.255.255.0' }],
    ])
    const { id } = labIdentity('tried', directory)
    expect(asked('node1 libvirt override.vm.network', before)[1]).toEqual([
      'private_network',
      expect.objectContaining({
        ip: '192.168.204.12',
        libvirt__network_name: `${id.replace('tried', basename(directory))}-storage`.toLowerCase(),
      }),
    ])
    expect(asked('mgmt docker override.vm.network', before)[1]).toEqual([
      'private_network',
      expect.objectContaining({ ip: '192.168.204.11', subnet: '192.168.204.0/24', docker_network__internal: true }),
    ])
    const backup = (await settled()).networks?.['backup']
    expect(backup?.addresses['mgmt']).toBe(backup?.subnet.replace(/0\/\d+$/, '11'))
    expect(backup?.subnet).not.toMatch(/^192\.168\.20[34]\./)

    await made('mgmt')
    const second = `{ name: mgmt, ${roles} }, { name: node1, networks: [backup] }, { name: node2, networks: [storage] }`
    await writeFile(join(directory, 'lab.yml'), text('{ storage: , backup: }', second))
    await run()
    expect((await settled()).networks).toEqual({
      storage: {
        subnet: '192.168.204.0/24',
        addresses: { mgmt: '192.168.204.11', node2: '192.168.204.13' },
      },
      backup: {
        subnet: backup?.subnet,
        addresses: { ...backup?.addresses, node1: backup?.subnet.replace(/0\/\d+$/, '12') },
      },
    })
  })
})
