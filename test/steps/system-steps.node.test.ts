import { expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { aptRepository } from '../../src/steps/apt-repository.ts'
import { file } from '../../src/steps/file.ts'
import { hostname } from '../../src/steps/hostname.ts'
import { hostsEntry } from '../../src/steps/hosts-entry.ts'
import { mount } from '../../src/steps/mount.ts'
import { service } from '../../src/steps/service.ts'
import { swapOff } from '../../src/steps/swap-off.ts'
import { timer } from '../../src/steps/timer.ts'
import { timezone } from '../../src/steps/timezone.ts'
import { unit } from '../../src/steps/unit.ts'
import { useNode } from '../node-fixture.ts'
import { converge, runSteps } from './play-runner.ts'

const node = useNode()
const { sh } = node

test('the name of the machine holds now and after a boot, and drift of either is mended alone', async () => {
  const step = hostname({ name: 'web1.example' })
  expect(await converge(node, [step])).toEqual([['live', '/etc/hostname']])
  expect(await sh('uname -n; cat /etc/hostname')).toBe('web1.example\nweb1.example')
  await sh('hostname elsewhere')
  expect(await converge(node, [step])).toEqual([['live']])
  await sh('echo elsewhere >/etc/hostname')
  expect(await converge(node, [step])).toEqual([['/etc/hostname']])
})

test('the time zone is set, and one that nobody knows is an error', async () => {
  const step = timezone({ zone: 'Asia/Tokyo' })
  expect(await converge(node, [step])).toEqual([['zone']])
  expect(await sh('date -d @0 +%H:%M')).toBe('09:00')
  await sh('ln -sf ../usr/share/zoneinfo/Etc/UTC /etc/localtime; echo Etc/UTC >/etc/timezone')
  expect(await converge(node, [step])).toEqual([['zone']])
  expect(await sh('cat /etc/timezone')).toBe('Asia/Tokyo')
  const unknown = await runSteps(node, [timezone({ zone: 'Mars/Olympus' })])
  expect(unknown.summary.errors[0]?.message).toContain('no such zone')
})

test('names in /etc/hosts stand on one line of their own; what others wrote stays, in a file that is a mount point', async () => {
  const own = await sh('grep node1 /etc/hosts')
  const steps = [
    hostsEntry({ address: '192.0.2.10', names: ['db.example', 'db'] }),
    hostsEntry({ address: '2001:db8::10', names: ['db'] }),
  ]
  const absent = [hostsEntry({ names: ['db', 'db.example'], absent: true })]
  expect(await converge(node, steps)).toEqual([['db.example', 'db'], ['db']])
  expect(await sh('getent ahostsv4 db.example | head -n 1')).toContain('192.0.2.10')
  await sh(
    '{ grep -v 192.0.2 /etc/hosts; echo "192.0.2.11 old db # by hand"; } >/tmp/hosts; cat /tmp/hosts >/etc/hosts',
  )
  expect((await converge(node, steps)).flat()).toEqual(['db.example', 'db'])
  expect(await sh('grep 192.0.2 /etc/hosts')).toBe('192.0.2.11 old # by hand\n192.0.2.10 db.example db')
  expect(await converge(node, absent)).toEqual([['db', 'db.example']])
  expect(await sh('grep node1 /etc/hosts; grep -c db /etc/hosts || true')).toBe(`${own}\n0`)
})

test('a filesystem is mounted now and at the next boot; options, the line of fstab and what is in its place are mended', async () => {
  const step = mount({ path: '/srv/scratch', device: 'tmpfs', type: 'tmpfs', options: ['size=16m', 'nosuid'] })
  expect(await converge(node, [step])).toEqual([['mounted', '/etc/fstab']])
  expect(await sh('findmnt -no FSTYPE,SIZE /srv/scratch')).toMatch(/tmpfs\s+16M/)
  await sh('mount -o remount,suid /srv/scratch')
  expect(await converge(node, [step])).toEqual([['options']])
  await sh('umount /srv/scratch')
  expect(await converge(node, [step])).toEqual([['mounted']])
  await sh('sed -i "s/size=16m/size=32m/" /etc/fstab; mount -o remount,size=32m /srv/scratch')
  expect(await converge(node, [step])).toEqual([['/etc/fstab']])
  expect(await sh('findmnt -no SIZE /srv/scratch; grep -c scratch /etc/fstab')).toMatch(/16M\s+1/)
  await sh('umount /srv/scratch; mount -t ramfs ramfs /srv/scratch')
  expect(await converge(node, [step])).toEqual([['type']])
  const bind = mount({ path: '/srv/also', device: '/srv/scratch', type: 'none', options: ['bind'] })
  await sh('mkdir /srv/other; mkdir /srv/also; mount --bind /srv/other /srv/also')
  expect(await converge(node, [bind])).toEqual([['device', '/etc/fstab']])
  const paths = ['/srv/also', '/srv/scratch']
  const gone = paths.map((path) => mount({ path, absent: true }))
  expect(await converge(node, gone)).toEqual(paths.map(() => ['mounted', '/etc/fstab']))
  expect(await sh('cat /etc/fstab; mount | grep -c /srv/ || true')).toBe('# UNCONFIGURED FSTAB FOR BASE SYSTEM\n0')
})

test('swap does not come back at the next boot', async () => {
  await sh('echo "/swapfile none swap sw 0 0" >>/etc/fstab')
  expect(await converge(node, [swapOff({})])).toEqual([['/etc/fstab']])
  expect(await sh('tail -n 1 /etc/fstab')).toBe('# swap is off: /swapfile none swap sw 0 0')
})

test('a unit file is read by systemd at once, with its drop-ins, and a service made from it is restarted when it changes', async () => {
  const steps = (nice: number) => {
    const content = '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'
    const units = [
      unit({ name: 'pause', content }),
      unit({ name: 'pause', dropIn: 'nice', content: `[Service]\nNice=${String(nice)}\n` }),
      unit({ name: 'pause@', content }),
    ]
    return [...units, service({ unit: 'pause', running: true, enabled: true, restartAfter: units })]
  }
  expect(await converge(node, steps(5))).toEqual([['content'], ['content'], ['content'], ['enabled', 'running']])
  expect(await converge(node, steps(6))).toEqual([[], ['content'], [], ['restarted']])
  expect(await sh('ps -o ni= -p $(systemctl show -p MainPID --value pause)')).toBe('6')
  await sh('echo "# by hand" >>/etc/systemd/system/pause.service; chmod 600 /etc/systemd/system/pause@.service')
  const mended = await converge(node, steps(6))
  expect(mended.slice(0, 3)).toEqual([['content', 'systemd'], [], ['mode']])
  // Killed between writing and reading: the file is right, and systemd has not read it.
  await sh('printf "[Service]\\nNice=7\\n" >/etc/systemd/system/pause.service.d/nice.conf')
  const planned = await runSteps(node, steps(7).slice(0, 3), { mode: 'plan' })
  expect(planned.outcomes.map((outcome) => outcome.replace(/.*: /, ''))).toEqual(['would-change', 'maybe', 'ok'])
  expect(await converge(node, steps(7).slice(0, 3))).toEqual([['systemd'], [], []])
  expect(await converge(node, [unit({ name: 'pause', dropIn: 'nice', absent: true })])).toEqual([['exists']])
  const gone = ['pause', 'pause@'].map((name) => unit({ name, absent: true }))
  expect(await converge(node, gone)).toEqual([['exists'], ['exists']])
  expect(await sh('systemctl show -p LoadState,ActiveState --value pause; ls /etc/systemd/system')).not.toContain(
    'pause',
  )
})

test('a timer runs what it should, as whom it should, and each part of it is mended', async () => {
  const words = ['a b', '$HOME', '%n', '"', "'", '\\t']
  const step = timer({
    name: 'lab-words',
    command: ['/usr/bin/printf', '%s\\n', ...words],
    user: 'daemon',
    everyMs: 300,
  })
  expect(await converge(node, [step])).toEqual([['lab-words.service', 'lab-words.timer', 'enabled', 'running']])
  await expect
    .poll(() => sh('journalctl -u lab-words.service -o cat _UID=1 | sort -u'), { timeout: 20_000 })
    .toBe([...words].sort().join('\n'))
  await sh('systemctl stop lab-words.timer')
  expect(await converge(node, [step])).toEqual([['running']])
  await sh('systemctl disable -q lab-words.timer; sed -i s/daemon/root/ /etc/systemd/system/lab-words.service')
  expect(await converge(node, [step])).toEqual([['lab-words.service', 'systemd', 'enabled']])
  const daily = timer({ name: 'lab-words', command: 'true', calendar: '*-*-* 03:00' })
  expect(await converge(node, [daily])).toEqual([['lab-words.service', 'lab-words.timer']])
  expect(await sh('systemctl show -p NextElapseUSecRealtime --value lab-words.timer')).toContain(' 03:00:00 ')
  const wrong = await runSteps(node, [timer({ name: 'lab-words', command: 'true', calendar: 'whenever' })])
  expect(wrong.summary.errors[0]?.message).toContain('whenever')
  expect((await runSteps(node, [daily])).summary.changed).toBe(0)
  expect(await converge(node, [timer({ name: 'lab-words', absent: true })])).toEqual([
    ['lab-words.service', 'lab-words.timer'],
  ])
})

// A repository of one package in two versions, signed with a key made for it, in a directory of the node.
const REPOSITORY = `set -eu
export GNUPGHOME=/srv/gpg DEBIAN_FRONTEND=noninteractive
mkdir -p -m 700 $GNUPGHOME; mkdir -p /srv/packages
gpg -q --batch --passphrase '' --quick-gen-key 'Lab test <lab@example>' ed25519 sign never
cd /srv/packages
for version in 1.0 2.0; do
  mkdir -p /tmp/p/DEBIAN
  printf 'Package: lab-hello\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@example>\\nDescription: a test\\n' $version >/tmp/p/DEBIAN/control
  dpkg-deb -b /tmp/p lab-hello_$version.deb >/dev/null
done
for deb in *.deb; do
  dpkg-deb -f $deb; echo "Filename: ./$deb"; echo "Size: $(stat -c %s $deb)"; echo "SHA256: $(sha256sum $deb | cut -d' ' -f1)"; echo
done >Packages
{ date -u '+Date: %a, %d %b %Y %T UTC'; echo SHA256:; echo " $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages"; } >Release
gpg -q --batch --clearsign -o InRelease Release
gpg --armor --export`

test('a repository is trusted by its key alone and fetched once; packages come from it in the version that is wanted', async () => {
  await converge(node, [apt({ packages: ['gnupg'] })])
  const key = await sh(REPOSITORY)
  const repository = (text: string) =>
    aptRepository({ name: 'lab-test', uris: ['file:///srv/packages'], suites: ['./'], key: text })
  const step = repository(key)
  const old = apt({ packages: [{ name: 'lab-hello', version: '1.0' }] })
  expect(await converge(node, [step, old])).toEqual([['key (.asc)', 'source', 'lists'], ['lab-hello']])
  expect(await converge(node, [apt({ packages: ['lab-hello=2.0'] })])).toEqual([['lab-hello']])
  expect(await converge(node, [old])).toEqual([['lab-hello']])
  await sh('echo "Enabled: no" >>/etc/apt/sources.list.d/lab-test.sources; chmod 600 /etc/apt/keyrings/lab-test.asc')
  expect(await converge(node, [step])).toEqual([['key (.asc)', 'source']])
  // Killed before the lists were fetched.
  await sh('rm /var/lib/lab/apt/lab-test')
  expect(await converge(node, [step])).toEqual([['lists']])
  await sh('gpg -q --homedir /srv/gpg --batch --passphrase "" --quick-gen-key other@example ed25519 sign never')
  const other = await sh('gpg --homedir /srv/gpg --armor --export other@example')
  const refused = await runSteps(node, [repository(other)])
  expect(refused.summary.errors[0]?.message).toMatch(/NO_PUBKEY|Missing key|not signed/)
  await converge(node, [step])
  await converge(node, [apt({ packages: ['lab-hello'], absent: true })])
  expect(await converge(node, [aptRepository({ name: 'lab-test', absent: true })])).toEqual([
    ['source', 'key (.asc)', 'lists'],
  ])
  expect(await sh('ls /etc/apt/keyrings /etc/apt/sources.list.d')).not.toContain('lab-test')
})

test('a directory of the node may be trusted without a signature', async () => {
  const own = { name: 'own', uris: ['file:///srv/own'], suites: ['./'] }
  const steps = [file({ path: '/srv/own/Packages', content: '' }), aptRepository({ ...own, trusted: true })]
  expect(await converge(node, steps)).toEqual([['content'], ['source', 'lists']])
  expect((await runSteps(node, [aptRepository(own)])).summary.errors[0]?.message).toMatch(/not signed|Release file/)
})

test('a plan says maybe where an earlier step is about to write what a later one looks at', async () => {
  const steps = [
    file({ path: '/etc/hosts', content: '127.0.0.1 localhost\n' }),
    hostsEntry({ address: '192.0.2.1', names: ['a'] }),
  ]
  expect((await runSteps(node, steps, { mode: 'plan' })).outcomes[1]).toMatch(/maybe$/)
})
