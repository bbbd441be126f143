import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { ensureMachines } from '../../src/workflows/machines.ts'
import { convergeSite } from '../../src/workflows/up.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'
import { startSshHost, type SshTestHost } from '../ssh-host.ts'
import { leadThrough, openHostLab, PASSWORD } from '../ssh-lab.ts'

/** Processes that start a unit of that name, or wait for it. */
const WAITING = "grep -lsz '^lab-give-bac[k]$' /proc/[0-9]*/cmdline || :"
const DISKS = 'disks: { data: 64MiB },'
let host: SshTestHost
let gate: SshTestHost
let way: string
let open: OpenLab
let before: readonly string[]

beforeAll(async () => {
  host = await startSshHost()
  const prepared =
    host.sh(`apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install e2fsprogs iptables
    iptables -P FORWARD DROP; iptables -A INPUT -i docker0 -p tcp --dport 5432 -j DROP; iptables -N OWN; iptables -A FORWARD -j OWN`)
  gate = await startSshHost()
  await prepared
  way = await leadThrough(gate, host)
  before = await host.look()
  open = await openHostLab(host, DISKS, way)
})
afterAll(async () => {
  await open.close()
  await host.destroy()
  await gate.destroy()
})

it('refuses a host that nobody vouched for, and one whose key is another', async () => {
  const file = join(host.directory, 'known_hosts')
  const known = await readFile(file, 'utf8')
  await writeFile(file, '')
  await expect((await openHostLab(host)).machines()).rejects.toMatchObject({
    code: 'HOST_KEY_UNKNOWN',
    message: expect.stringMatching(/SHA256:[A-Za-z0-9+/]{43}$/) as string,
    hint: expect.stringContaining('ssh-keyscan') as string,
  })
  await writeFile(file, known.replace(/.{8}$/m, 'AAAAAAAA'))
  await expect((await openHostLab(host)).machines()).rejects.toMatchObject({ code: 'HOST_KEY_CHANGED' })
  await writeFile(file, known)
})

it('takes a host over and works on it as root, with the password nowhere but in sudo', async () => {
  await ensureMachines(open)
  expect(await open.machines()).toMatchObject([{ name: 'solo', state: 'running', address: host.address }])
  // What tells it from a host that lab.yml might name instead.
  const { at = '', key = '' } = (await open.provider.reached?.('solo')) ?? {}
  expect(await open.state.read('held-hosts')).toBe(`solo ${at} ${key}`)
  const connection = await open.connect('solo')
  const script = await connection.script('id -un; hostname; pwd; cat')
  expect(script).toEqual({ status: 0, stdout: 'root\nsolo\n/root\n', stderr: '' })
  const echoed = await connection.exec({ argv: ['cat'], stdin: 'one\ntwo' })
  expect(echoed.stdout).toBe('one\ntwo')
  expect((await connection.exec({ argv: ['sh', '-c', 'ps -eo args || cat /proc/*/cmdline'] })).stdout).not.toContain(
    PASSWORD,
  )
})

it('goes through the hosts of "jump", one after the other, each at its port', async () => {
  const accepted = (at: SshTestHost) =>
    at.sh(`journalctl -q -o cat -u ssh | sed -n 's/^Accepted publickey for \\([^ ]* from [^ ]*\\) .*/\\1/p' | sort -u`)
  expect(await accepted(host)).toBe(`careful from ${gate.address}`)
  const [outside, inside, ...more] = (await accepted(gate)).split('\n')
  expect(outside).toMatch(/^admin from /)
  expect([inside, ...more]).toEqual([`root from ${gate.address}`])
})

it('gives a terminal that is root and shows no password', async () => {
  const connection = await open.connect('solo')
  const terminal = await connection.terminal(
    { columns: 80, rows: 24, term: 'xterm' },
    { argv: ['sh', '-c', 'id -un; tty'] },
  )
  let shown = ''
  terminal.stream.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  await finished(terminal.stream, { writable: false })
  expect(await terminal.exit).toBe(0)
  expect(shown).toMatch(/^root\r?\n\/dev\/pts\/\d+/m)
  expect(shown).not.toContain(PASSWORD)
})

it('has the disks of lab.yml there', async () => {
  expect((await convergeSite(open, 'apply', { tags: ['disks'] })).errors).toEqual([])
  const connection = await open.connect('solo')
  const script = 'echo kept >/dev/lab/data; head -n 1 /dev/lab/data; blockdev --getsize64 /dev/lab/data'
  expect(await connection.script(script)).toMatchObject({ status: 0, stdout: `kept\n${String(64 * 2 ** 20)}\n` })
})

it('is not given back, nor touched, while a disk is mounted at a place of its user', async () => {
  await host.sh(`mkfs.ext4 -q /dev/lab/data && mkdir /srv/mine && mount /dev/lab/data /srv/mine
    echo precious >/srv/mine/file; echo '/dev/lab/data /srv/mine ext4 defaults 0 0' >>/etc/fstab`)
  await expect(open.provider.destroy('solo')).rejects.toMatchObject({
    code: 'NOT_GIVEN_BACK',
    message: expect.stringMatching(
      /the disk data is mounted at \/srv\/mine\n\/etc\/fstab has \/dev\/lab\/data at \/srv\/mine, .*\nwhat is on these disks goes with the lab: /,
    ) as string,
  })
  expect(await host.sh('cat /srv/mine/file; systemctl is-active lab-disk@data')).toBe('precious\nactive')
  await host.sh(`umount /srv/mine; rmdir /srv/mine; sed -i '\\|^/dev/lab/|d' /etc/fstab`)
})

it('has no hand in its power', async () => {
  await expect(open.provider.kill('solo')).rejects.toMatchObject({ code: 'NO_POWER' })
})

it('lets the lab in by another key when the first was lost', async () => {
  await open.close()
  await rm(open.lab.stateDirectory, { recursive: true })
  open = await openHostLab(host, DISKS, way)
  await ensureMachines(open)
  expect((await (await open.connect('solo')).script('hostname')).stdout).toBe('solo\n')
})

it('gives it back as it was, packages and accounts that came since included', async () => {
  const connection = await open.connect('solo')
  const installed = await connection.script(
    'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install dnsmasq-base rsyslog',
    { timeoutMs: 200_000 },
  )
  expect(installed.status, installed.stderr).toBe(0)
  expect(await host.look()).not.toEqual(before)
  await open.disconnect('solo')
  // As an engine and lab's own playbooks leave it.
  await host.sh(`iptables -N DOCKER; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER
    iptables -A FORWARD -o docker0 -j DOCKER; iptables -A FORWARD -i br-0123456789ab -j ACCEPT; iptables -P FORWARD ACCEPT
    iptables -t nat -N LAB-EDGE; iptables -t nat -A PREROUTING -j LAB-EDGE`)
  // One that a run began which was cut off: it is waited for, and what it did not do is done.
  await host.sh('mkfifo /run/held && systemd-run --quiet --unit=lab-give-back cat /run/held')
  const given = open.provider.destroy('solo')
  const waits = async () => ((await host.sh(WAITING)) === '' ? undefined : true)
  await waitFor(waits, { deadlineMs: 30_000, what: 'the unit to be waited for' })
  await host.sh('echo >/run/held; rm /run/held')
  await given
  const after = await host.look()
  expect(after.filter((line) => !before.includes(line))).toEqual([])
  expect(before.filter((line) => !after.includes(line))).toEqual([])
  // Given back: there is nothing to give back any more.
  await open.provider.destroy('solo')
  expect(await host.sh('ls /run | grep lab || :')).toBe('')
  // Those of hosts that run beside this one are in sight as well.
  expect(await host.sh(`cat /sys/block/loop*/loop/backing_file | grep -e -${open.lab.id}- || :`)).toBe('')
})
