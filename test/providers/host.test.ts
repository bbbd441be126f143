import { expect, test } from 'vitest'
import { aptMirrors } from '../../src/providers/docker/apt-sources.ts'
import { hasCgroups } from '../../src/providers/docker/host-engine.ts'
import { lowLimits, raiseCommand } from '../../src/providers/docker/host-limits.ts'
import { parseRoutes } from '../../src/providers/docker/host-networks.ts'
import { nameServers } from '../../src/providers/docker/image-build.ts'
import { missingFeatures, poolFilesystem } from '../../src/providers/docker/kernel.ts'
import { absentCapabilities, nodePrivileges } from '../../src/providers/docker/privileges.ts'

test('routes of every table count, the addresses of the interfaces themselves do not', () => {
  const text = `default via 192.0.2.1 dev eth0
10.0.0.0/8 via 192.0.2.9 dev eth0
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown
198.51.100.7 dev wg0 table 51820
blackhole 203.0.113.0/24
local 192.0.2.2 dev eth0 table local proto kernel scope host src 192.0.2.2
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2`
  expect(parseRoutes(text)).toEqual(['10.0.0.0/8', '172.17.0.0/16', '198.51.100.7/32', '203.0.113.0/24'])
})

test('the mirrors of a Debian host serve the release of the nodes', () => {
  const sources = `# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

deb [arch=amd64] https://vendor.example/apt bookworm main
deb http://vendor.example/tools bookworm-tools main`
  expect(aptMirrors(sources, 'bookworm', 'trixie')).toEqual([
    'deb http://mirror.example/debian trixie main',
    'deb http://mirror.example/debian trixie-updates main',
    'deb http://mirror.example/debian-security trixie-security main',
  ])
})

test('one-line sources are read as well', () => {
  const sources = `deb-src http://mirror.example/debian bookworm main
deb [signed-by=/a.gpg] http://mirror.example/debian bookworm main non-free`
  expect(aptMirrors(sources, 'bookworm', 'trixie')).toEqual(['deb http://mirror.example/debian trixie main'])
})

test('mirrors that speak only TLS, are switched off or lack the main archive are left to the default', () => {
  expect(aptMirrors('deb https://mirror.example/debian bookworm main', 'bookworm', 'trixie')).toEqual([])
  expect(aptMirrors('deb http://mirror.example/security bookworm-security main', 'bookworm', 'trixie')).toEqual([])
  const off = 'Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main'
  expect(aptMirrors(off, 'bookworm', 'trixie')).toEqual([])
})

test('control groups of either version are found among the mounts', () => {
  expect(hasCgroups('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0')).toBe(true)
  expect(hasCgroups('proc /proc proc rw 0 0\nmemory /sys/fs/cgroup/memory cgroup rw,memory 0 0')).toBe(true)
  expect(hasCgroups('tmpfs /sys/fs/cgroup tmpfs rw 0 0')).toBe(false)
})

test('the classic lab, and a second one, fit the usual limits; of fifty nodes it is said which they exceed', () => {
  const usual = new Map([
    ['fs.inotify.max_user_instances', 128],
    ['fs.inotify.max_user_watches', 192_536],
    ['kernel.keys.maxkeys', 200],
    ['kernel.keys.maxbytes', 20_000],
    ['kernel.pid_max', 32_768],
    ['fs.file-max', 65_536],
    ['net.ipv4.neigh.default.gc_thresh3', 1024],
    ['net.ipv4.neigh.default.gc_thresh2', 512],
  ])
  expect(lowLimits([4, 4], usual)).toEqual([])
  const low = lowLimits([50], usual)
  expect(low).toMatchObject([
    { setting: 'fs.inotify.max_user_instances', limit: 128, needed: 340, raised: 8192 },
    { setting: 'net.ipv4.neigh.default.gc_thresh3', limit: 1024, needed: 5256 },
    { setting: 'net.ipv4.neigh.default.gc_thresh2', limit: 512, needed: 2628 },
  ])
  expect(raiseCommand(low.slice(0, 1))).toBe('sysctl -q -w fs.inotify.max_user_instances=8192')
  // Neighbours grow with the square of a lab, not of all nodes together.
  expect(lowLimits([17, 4], new Map([['net.ipv4.neigh.default.gc_thresh3', 1024]]))).toEqual([])
  expect(lowLimits([50], new Map([['kernel.pid_max', undefined]]))).toEqual([])
  // Somebody set it low; systemd sets it as high as can be.
  expect(lowLimits([50], new Map([['fs.file-max', 16_384]]))).toMatchObject([{ needed: 33_192, raised: 1_048_576 }])
  expect(lowLimits([50], new Map([['fs.file-max', Number('9223372036854775807')]]))).toEqual([])
})

test('name servers are read from resolv.conf', () => {
  expect(nameServers('# made by somebody\nnameserver 127.0.0.1\nsearch lan\nnameserver 192.0.2.53\n')).toEqual([
    '127.0.0.1',
    '192.0.2.53',
  ])
})

test('capabilities a host lacks are named', () => {
  expect(absentCapabilities('Name:\tdockerd\nCapBnd:\t000001ffffffffff\n')).toEqual([])
  expect(absentCapabilities('CapBnd:\t000001fffeffffff\n')).toEqual(['SYS_RESOURCE'])
  expect(absentCapabilities('')).toEqual([])
})

test('a node is privileged where the host can make it so, else it gets everything the host has', () => {
  expect(nodePrivileges([])).toEqual({ Privileged: true })
  const granted = nodePrivileges(['SYS_RESOURCE'])
  expect(granted).not.toHaveProperty('Privileged')
  expect(granted).toMatchObject({ CapAdd: ['ALL'], CapDrop: ['SYS_RESOURCE'], MaskedPaths: [], ReadonlyPaths: [] })
})

const LEAN = { filesystems: 'nodev\tproc\n\text4\n', modules: '', symbols: '' }

test('a feature may be built in, a module, or known by its symbols alone', () => {
  const modules = ['overlayfs/overlay', 'vxlan/vxlan', 'bridge/bridge', 'bridge/br_netfilter', 'net/veth', 'block/loop']
  const some = { ...LEAN, modules: modules.map((path) => `kernel/${path}.ko`).join('\n') }
  expect(missingFeatures(some)).toEqual([])
  expect(missingFeatures({ ...LEAN, symbols: '0000 t vxlan_xmit\n0000 t veth_xmit\n' })).toEqual([
    'overlay',
    'bridge',
    'br_netfilter',
    'loop',
  ])
})

test('volumes prefer btrfs, then ZFS, then ZFS without a module', () => {
  expect(poolFilesystem({ ...LEAN, filesystems: '\text4\n\tbtrfs\n' })).toBe('btrfs')
  expect(poolFilesystem({ ...LEAN, modules: 'kernel/fs/btrfs/btrfs.ko.zst: kernel/lib/xor.ko' })).toBe('btrfs')
  expect(poolFilesystem({ ...LEAN, filesystems: 'nodev\tzfs\nnodev\tfuse\n' })).toBe('zfs')
  expect(poolFilesystem({ ...LEAN, filesystems: '\tfuse\n' })).toBe('zfs-fuse')
  expect(poolFilesystem(LEAN)).toBeUndefined()
})
