import { NODE_PATHS, playbook, type NodeSpec, type Site, type Step } from '../src/index.ts'
import { packagesOf } from '../src/model/packages.ts'
import { systemOf, withRole } from '../src/model/site.ts'
import type { VolumeDriverName } from '../src/model/volume.ts'
import { apt } from '../src/steps/apt.ts'
import { directory } from '../src/steps/directory.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'
import {
  transferAuthorizedKey,
  transferConfig,
  transferKnownHosts,
  VOLUME_PATHS,
  volumeScripts,
  ZFS_POOL,
} from '../src/volumes/node-scripts.ts'

/** A pool for volumes on every worker, and the way volumes take from one to another. */
export default playbook({
  name: 'volumes',
  plays: (site) => [
    {
      name: 'A pool for volumes on every worker',
      hosts: withRole('worker'),
      tags: ['volumes'],
      independent: true,
      steps: (node) => [
        apt({ packages: packagesOf(systemOf(site, node)).volumes }),
        ...transfers(site),
        ...pool(site, node),
      ],
    },
    {
      name: 'Managers say which node owns a volume',
      hosts: (node) => withRole('manager')(node) && !withRole('worker')(node),
      tags: ['volumes'],
      independent: true,
      steps: () => [...scripts([VOLUME_PATHS.receive]), allowed(site)],
    },
  ],
})

/** Volumes go from node to node by a key that can do nothing else. */
function transfers(site: Site): readonly Step[] {
  const managers = site.nodes.filter(withRole('manager'))
  const asked = site.nodes.filter((node) => withRole('worker')(node) || withRole('manager')(node))
  const hostKeys = asked.flatMap(({ name }) => {
    const key = site.hostKeys[name]
    return key === undefined ? [] : [[name, key] as const]
  })
  const privately = { secret: true, mode: 0o600 } as const
  return [
    directory({ path: VOLUME_PATHS.transfer, mode: 0o700 }),
    file({ path: VOLUME_PATHS.transferKey, content: `${site.transferKey.privateKey.trim()}\n`, ...privately }),
    file({ path: VOLUME_PATHS.transferKnownHosts, content: transferKnownHosts(Object.fromEntries(hostKeys)) }),
    file({ path: VOLUME_PATHS.transferConfig, content: transferConfig(asked) }),
    // Their network is inside this machine, where a cipher keeps nothing from anybody and takes most of the time.
    ...(site.spec.provider === 'docker' ? [file({ path: VOLUME_PATHS.transferBeside, content: 'yes\n' })] : []),
    // After a boot a worker asks one of them whether a volume with replicas is still its own.
    file({ path: VOLUME_PATHS.managers, content: managers.map(({ name }) => `${name}\n`).join('') }),
    allowed(site),
  ]
}

/** The second of the two files sshd reads: the first is the provider's, with the key that lab itself comes with. */
function allowed(site: Site): Step {
  const content = `${transferAuthorizedKey(site.transferKey.publicKey)}\n`
  return file({ path: '/root/.ssh/authorized_keys2', content, mode: 0o600 })
}

/** Scripts of nodes, by their paths. */
function scripts(paths: readonly string[]): readonly Step[] {
  return volumeScripts('btrfs')
    .filter(({ path }) => paths.includes(path))
    .map((script) => file(script))
}

const DRIVERS: readonly VolumeDriverName[] = ['btrfs', 'zfs']

/** The pool is a file of the node's own; what is served from it after a boot is decided by the leases in it. */
function pool({ lab, spec }: Site, node: NodeSpec): readonly Step[] {
  const values = {
    ...VOLUME_PATHS,
    ...NODE_PATHS,
    script: '/usr/local/lib/lab/volume-pool',
    image: `${NODE_PATHS.state}/pool-${lab.id}-${node.name}.img`,
    sizeBytes: String(wholeMebibytes(spec.volumes.poolSizeBytes)),
    wanted: spec.volumes.driver,
    zpool: ZFS_POOL,
  }
  const template = (name: string) => renderPackaged(`playbooks/templates/${name}.hbs`, values)
  const drivers = DRIVERS.map((driver) => {
    const content = volumeScripts(driver).find(({ path }) => path === VOLUME_PATHS.driver)?.content ?? ''
    return file({ path: `${VOLUME_PATHS.driver}-${driver}`, content, mode: 0o755 })
  })
  const atBoot = [
    ...drivers,
    ...scripts([VOLUME_PATHS.tendUnit]),
    file({ path: values.script, content: template('volume-pool.sh'), mode: 0o755 }),
    file({ path: '/etc/systemd/system/zfs-fuse.service.d/lab.conf', content: template('zfs-fuse.service') }),
    file({ path: '/etc/systemd/system/lab-volumes.service', content: template('lab-volumes.service') }),
  ]
  const { receive, send, serve, stream, tend } = VOLUME_PATHS
  return [
    ...scripts([receive, send, serve, stream, tend]),
    ...atBoot,
    service({ unit: 'lab-volumes', running: true, enabled: true, restartAfter: atBoot }),
  ]
}

/** What fits the blocks of any filesystem. */
function wholeMebibytes(bytes: number): number {
  return bytes - (bytes % 2 ** 20)
}
