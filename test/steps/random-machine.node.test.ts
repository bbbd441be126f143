import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { apt } from '../../src/steps/apt.ts'
import { aptRepository } from '../../src/steps/apt-repository.ts'
import { hostname } from '../../src/steps/hostname.ts'
import { hostsEntry } from '../../src/steps/hosts-entry.ts'
import { mount } from '../../src/steps/mount.ts'
import { swapOff } from '../../src/steps/swap-off.ts'
import { sysctl } from '../../src/steps/sysctl.ts'
import { timezone } from '../../src/steps/timezone.ts'
import { useNode } from '../node-fixture.ts'
import { RUNS, settle, thingAt } from './random-state.ts'

const node = useNode()
const { sh } = node

test('names in /etc/hosts, whatever stood there before', async () => {
  const name = fc.constantFrom('db', 'db.example', 'web')
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 })
  const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1')
  const entry = fc.tuple(address, names).map(([at, all]) => `${at} ${all.join('\t')} # by hand`)
  const wish = fc.oneof(
    fc.record({ address, names }).map(hostsEntry),
    fc.record({ names, absent: fc.constant(true as const) }).map(hostsEntry),
  )
  const state = fc
    .array(entry, { maxLength: 4 })
    .map((all) => `printf '%s\\n' '127.0.0.1 localhost' ${all.map(quote).join(' ')} >/etc/hosts`)
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, step) => {
      await settle(node, script, step)
      expect(await sh('cat /etc/hosts')).toMatch(/^127.0.0.1 localhost$/m)
    }),
    RUNS,
  )
})

test('a kernel setting, whatever it was', async () => {
  const value = fc.integer({ min: 4096, max: 8192 })
  await fc.assert(
    fc.asyncProperty(value, value, async (was, wanted) => {
      const step = sysctl({ name: 'random', settings: { 'net.core.somaxconn': wanted } })
      await settle(node, `echo ${String(was)} >/proc/sys/net/core/somaxconn`, step)
      expect(await sh('cat /proc/sys/net/core/somaxconn')).toBe(String(wanted))
    }),
    RUNS,
  )
})

test('the name of the machine, whatever it was', async () => {
  const name = fc.constantFrom('node1', 'web1.example', 'a')
  const kept = fc.constantFrom(
    'rm -f /etc/hostname',
    ': >/etc/hostname',
    'echo other >/etc/hostname',
    'printf a >/etc/hostname',
  )
  await fc.assert(
    fc.asyncProperty(name, kept, name, async (was, file, wanted) => {
      // The engine mounts a file there, which cannot be removed.
      await settle(
        node,
        `umount /etc/hostname 2>/dev/null || true; hostname ${was}; ${file}`,
        hostname({ name: wanted }),
      )
      expect(await sh('uname -n; cat /etc/hostname')).toBe(`${wanted}\n${wanted}`)
    }),
    RUNS,
  )
})

test('the time zone, whatever it was', async () => {
  const zone = fc.constantFrom('Asia/Tokyo', 'Etc/UTC', 'America/Argentina/Ushuaia')
  const link = fc.oneof(
    fc.constantFrom(':', 'ln -s /nowhere $f', 'cp /usr/share/zoneinfo/Asia/Tokyo $f'),
    zone.map((name) => `ln -s ../usr/share/zoneinfo/${name} $f`),
    zone.map((name) => `ln -s /usr/share/zoneinfo/${name} $f`),
  )
  const note = fc.constantFrom('rm -f /etc/timezone', 'echo Mars/Olympus >/etc/timezone')
  await fc.assert(
    fc.asyncProperty(link, note, zone, async (state, other, wanted) => {
      await settle(node, `f=/etc/localtime; rm -f $f; ${state}; ${other}`, timezone({ zone: wanted }))
      expect(await sh('readlink -f /etc/localtime')).toBe(await sh(`readlink -f /usr/share/zoneinfo/${wanted}`))
      expect(['', wanted]).toContain(await sh('cat /etc/timezone 2>/dev/null || true'))
    }),
    RUNS,
  )
})

test('a mount, whatever was mounted there and noted', async () => {
  const at = '/srv/odd mount'
  const live = fc.array(
    fc.constantFrom(
      '-t tmpfs tmpfs',
      '-t tmpfs -o nosuid,size=8m tmpfs',
      '-t ramfs ramfs',
      '--bind /srv/bound',
      '-t tmpfs -o ro tmpfs',
    ),
    { maxLength: 2 },
  )
  const noted = fc.subarray([
    '# remark',
    'tmpfs /srv/odd\\040mount tmpfs defaults 0 0',
    'tmpfs /srv/odd\\040mount tmpfs size=8m,nosuid 0 0',
    'tmpfs /srv/other tmpfs noauto 0 0',
  ])
  const options = fc.subarray(['nosuid', 'nodev', 'noexec', 'ro', 'size=8m'])
  const bound = mount({ path: at, device: '/srv/bound', type: 'none', options: ['bind'] })
  const wish = fc.oneof(
    options.map((chosen) => mount({ path: at, device: 'tmpfs', type: 'tmpfs', options: chosen })),
    fc.constant(bound),
    fc.constant(mount({ path: at, absent: true })),
  )
  const reset = `mkdir -p '${at}' /srv/bound; while umount '${at}' 2>/dev/null; do :; done\n`
  await fc.assert(
    fc.asyncProperty(live, noted, wish, async (mounts, lines, step) => {
      const script = mounts.map((each) => `mount ${each} '${at}'`)
      await settle(
        node,
        [reset, ...script, `printf '%s\\n' ${lines.map(quote).join(' ')} >/etc/fstab`].join('\n'),
        step,
      )
      const fstab = await sh('cat /etc/fstab')
      const others = lines.filter((line) => !line.includes('odd'))
      expect(fstab.split('\n').filter((line) => line !== '' && !line.includes('odd'))).toEqual(others)
      const isThere = (await sh(`mountpoint -q '${at}' && echo yes || echo no`)) === 'yes'
      expect([isThere, fstab.split('odd').length - 1]).toEqual(
        step.title.startsWith('nothing') ? [false, 0] : [true, 1],
      )
      if (isThere) await sh(`umount '${at}'; mount '${at}'`)
    }),
    { ...RUNS, examples: [[['-t tmpfs tmpfs', '-t tmpfs tmpfs'], [], bound]] },
  )
  await sh(reset)
})

test('no swap at the next boot, whatever fstab says', async () => {
  const line = fc.constantFrom(
    '/swapfile none swap sw 0 0',
    '\t/dev/sdz2\tswap\tswap\tdefaults 0 0',
    '# /old none swap sw 0 0',
    'UUID=1-2 none swap sw',
    '/dev/sdz3 /srv/swap ext4 noauto 0 0',
    '',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
      await settle(node, `printf '%s\\n' ${lines.map(quote).join(' ')} >/etc/fstab`, swapOff({}))
      const left = (await sh('cat /etc/fstab')).split('\n')
      expect(left.filter((each) => /^[^#]\S*\s+\S+\s+swap\b/.test(each.trimStart()))).toEqual([])
      const others = lines.filter((each): boolean => /ext4|^#/.test(each)) as string[]
      expect(left.filter((each) => others.includes(each))).toEqual(others)
    }),
    RUNS,
  )
  await sh(': >/etc/fstab')
})

// A package in two versions, in a directory of the node that is trusted as it is.
const REPOSITORY = `mkdir -p /srv/packages /tmp/p/DEBIAN
cd /srv/packages
for version in 1.0 2.0; do
  printf 'Package: lab-odd\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@example>\\nDescription: a test\\n' $version >/tmp/p/DEBIAN/control
  dpkg-deb -b /tmp/p lab-odd_$version.deb >/dev/null
done
for deb in *.deb; do
  dpkg-deb -f $deb; echo "Filename: ./$deb"; echo "Size: $(stat -c %s $deb)"; echo "SHA256: $(sha256sum $deb | cut -d' ' -f1)"; echo
done >Packages`

test('a repository, whatever of it was there, and packages from it in any version', async () => {
  await sh(REPOSITORY)
  const source = '/etc/apt/sources.list.d/lab-odd.sources'
  const wish = { name: 'lab-odd', uris: ['file:///srv/packages'], suites: ['./'], trusted: true }
  const keyring = fc.subarray([
    '/etc/apt/keyrings/lab-odd.asc',
    '/etc/apt/keyrings/lab-odd.gpg',
    '/var/lib/lab/apt/lab-odd',
  ])
  await fc.assert(
    fc.asyncProperty(thingAt(source), keyring, fc.boolean(), async (state, files, isWanted) => {
      const paths = ['/etc/apt/keyrings/lab-odd.asc', '/etc/apt/keyrings/lab-odd.gpg', '/var/lib/lab/apt/lab-odd']
      const made = files.map((path) => `mkdir -p ${path.replace(/[^/]*$/, '')}; echo x >${path}`)
      const script = [`rm -f ${source} ${paths.join(' ')}`, state, ...made].join('\n')
      await settle(node, script, aptRepository(isWanted ? wish : { name: 'lab-odd', absent: true }))
      expect(await sh(`ls ${source} ${paths.join(' ')} 2>/dev/null || true`)).toBe(
        isWanted ? `${source}\n/var/lib/lab/apt/lab-odd` : '',
      )
    }),
    RUNS,
  )
  await settle(node, ':', aptRepository(wish))
  const deb = (version: string) => `/srv/packages/lab-odd_${version}.deb`
  const before = fc.constantFrom(
    ':',
    `dpkg -i ${deb('1.0')}`,
    `dpkg -i ${deb('2.0')}`,
    `dpkg --unpack ${deb('1.0')}`,
    `dpkg -i ${deb('2.0')}; apt-mark hold lab-odd`,
  )
  const version = fc.constantFrom('1.0', '2.0', undefined, 'absent')
  await fc.assert(
    fc.asyncProperty(before, version, async (state, wanted) => {
      const step =
        wanted === 'absent'
          ? apt({ packages: ['lab-odd'], absent: true })
          : apt({ packages: [wanted === undefined ? 'lab-odd' : { name: 'lab-odd', version: wanted }] })
      await settle(node, `dpkg --purge lab-odd 2>/dev/null; apt-mark unhold lab-odd >/dev/null; ${state}`, step)
      const found = await sh("dpkg-query -W -f '${db:Status-Status} ${Version}' lab-odd 2>/dev/null || true")
      if (wanted === 'absent') expect(found).not.toContain('installed ')
      else expect(found).toMatch(wanted === undefined ? /^installed / : `installed ${wanted}`)
    }),
    {
      ...RUNS,
      examples: [
        [`dpkg -i ${deb('2.0')}; apt-mark hold lab-odd`, '1.0'],
        [`dpkg -i ${deb('2.0')}; apt-mark hold lab-odd`, 'absent'],
      ],
    },
  )
})
