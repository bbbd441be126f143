import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { apt } from '../../src/steps/apt.ts'
import { archive } from '../../src/steps/archive.ts'
import { btrfsSubvolume } from '../../src/steps/btrfs-subvolume.ts'
import { command } from '../../src/steps/command.ts'
import { download } from '../../src/steps/download.ts'
import { gitCheckout } from '../../src/steps/git-checkout.ts'
import { script } from '../../src/steps/script.ts'
import { service } from '../../src/steps/service.ts'
import { timer } from '../../src/steps/timer.ts'
import { unit } from '../../src/steps/unit.ts'
import { wait } from '../../src/steps/wait.ts'
import { zfsDataset } from '../../src/steps/zfs-dataset.ts'
import { useNode } from '../node-fixture.ts'
import { serveOn } from './http-server.ts'
import { converge, runSteps } from './play-runner.ts'
import { startPool } from './pool-node.ts'
import { mode, only, owner, RUNS, settle, thingAt } from './random-state.ts'

const node = useNode()
const { sh } = node
let local: string
beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'lab-random-'))
  await converge(node, [apt({ packages: ['git'] })])
})
afterAll(() => rm(local, { recursive: true, force: true }))

const UNITS = '/etc/systemd/system'
const SLEEP = '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'
const written = (path: string, content: string) =>
  `mkdir -p ${path.replace(/[^/]*$/, '')}; printf %s ${quote(content)} >${path}`
const GONE = (name: string) => `systemctl unmask -q ${name} 2>/dev/null || true
systemctl disable --now -q ${name} 2>/dev/null || true
rm -rf ${UNITS}/${name} ${UNITS}/${name}.d; systemctl daemon-reload; systemctl reset-failed ${name} 2>/dev/null || true\n`

test('a unit file or a drop-in, whatever was in its place', async () => {
  const file = fc.constantFrom(
    ':',
    `ln -s /dev/null ${UNITS}/odd.service`,
    `${written(`${UNITS}/odd.service`, SLEEP)}; chmod 600 ${UNITS}/odd.service`,
    `${written(`${UNITS}/odd.service`, SLEEP)}; systemctl daemon-reload; systemctl enable --now -q odd`,
    `${written(`${UNITS}/odd.service`, `${SLEEP}# other\n`)}; systemctl daemon-reload; echo '# new' >>${UNITS}/odd.service`,
  )
  const dropIn = fc.constantFrom(':', written(`${UNITS}/odd.service.d/nice.conf`, '[Service]\nNice=1\n'))
  const wish = fc.constantFrom(
    unit({ name: 'odd', content: SLEEP }),
    unit({ name: 'odd', absent: true }),
    unit({ name: 'odd', dropIn: 'nice', content: '[Service]\nNice=2\n' }),
    unit({ name: 'odd', dropIn: 'nice', absent: true }),
  )
  await fc.assert(
    fc.asyncProperty(file, dropIn, wish, async (main, extra, step) => {
      await settle(node, `${GONE('odd.service')}${main}; ${extra}`, step)
      expect(await sh('systemctl show -p NeedDaemonReload --value odd.service')).toBe('no')
    }),
    RUNS,
  )
  await sh(GONE('odd.service'))
})

test('a service, whatever it was doing', async () => {
  const flag = fc.option(fc.boolean(), { nil: undefined })
  const state = fc.constantFrom(
    ':',
    'systemctl start odd',
    'systemctl enable -q odd',
    'systemctl enable -q --now odd; systemctl kill -s KILL odd',
    'systemctl mask -q odd',
    'systemctl start odd; systemctl mask -q --runtime odd',
    `systemctl start odd; echo '# new' >>/usr/local/lib/systemd/system/odd.service`,
  )
  const wish = fc.record({ running: flag, enabled: flag, masked: flag }).filter(({ running, enabled, masked }) => {
    return masked !== true || (running !== true && enabled !== true)
  })
  const reset = `${GONE('odd.service')}mkdir -p /usr/local/lib/systemd/system
${written('/usr/local/lib/systemd/system/odd.service', SLEEP)}; systemctl daemon-reload\n`
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, wanted) => {
      await settle(node, reset + script, service(only<Parameters<typeof service>[0]>({ unit: 'odd', ...wanted })))
      const [active, enabled] = (await sh('systemctl is-active odd || true; systemctl is-enabled odd || true')).split(
        '\n',
      )
      if (wanted.running !== undefined) expect(active === 'active').toBe(wanted.running)
      if (wanted.masked === true) expect(enabled).toBe('masked')
      else if (wanted.enabled !== undefined) expect(enabled === 'enabled').toBe(wanted.enabled)
    }),
    RUNS,
  )
})

test('a timer, whatever of it was there', async () => {
  const states = fc.subarray([
    written(`${UNITS}/odd.timer`, '[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n'),
    written(`${UNITS}/odd.service`, '[Service]\nExecStart=/bin/false\n'),
    'systemctl daemon-reload; systemctl start odd.timer 2>/dev/null || true',
    'systemctl enable -q odd.timer 2>/dev/null || true',
    `chmod 600 ${UNITS}/odd.timer 2>/dev/null || true`,
  ])
  const wish = fc.constantFrom(
    timer({ name: 'odd', command: ['/bin/echo', '%n $HOME'], calendar: 'Mon *-*-* 03:00' }),
    timer({ name: 'odd', command: 'true', everyMs: 3_600_000, user: 'daemon' }),
    timer({ name: 'odd', absent: true }),
  )
  await fc.assert(
    fc.asyncProperty(states, wish, async (made, step) => {
      await settle(node, [GONE('odd.timer'), GONE('odd.service'), ...made].join('\n'), step)
      const active = await sh('systemctl is-active odd.timer || true')
      expect(active).toBe(step.title.startsWith('no ') ? 'inactive' : 'active')
    }),
    RUNS,
  )
})

test('what a command or a script makes, whatever was there', async () => {
  await writeFile(join(local, 'make.sh'), 'echo "$1" >/srv/odd-made\n')
  const state = fc.constantFrom(
    ':',
    'echo yes >/srv/odd-made',
    'echo no >/srv/odd-made',
    'ln -s /nowhere /srv/odd-made',
  )
  const creates = { creates: '/srv/odd-made' }
  const unless = { unless: '[ "$(cat /srv/odd-made)" = yes ]' }
  const wish = fc.constantFrom(
    command({ title: 'make it', run: 'echo yes >/srv/odd-made', ...creates }),
    command({
      title: 'make it so',
      run: ['sh', '-c', 'rm -f /srv/odd-made; cat >/srv/odd-made'],
      stdin: 'yes\n',
      ...unless,
    }),
    script({ file: join(local, 'make.sh'), args: ['yes'], ...creates }),
  )
  await fc.assert(
    fc.asyncProperty(state, wish, (made, step) => settle(node, `rm -rf /srv/odd-made; ${made}`, step)),
    RUNS,
  )
})

test('what is waited for, whether it is so already or comes about', async () => {
  const late = fc.constantFrom('', 'systemd-run -q --collect sh -c ')
  const wish = fc.constantFrom(
    [wait({ path: '/srv/odd-late' }), 'touch /srv/odd-late'] as const,
    [wait({ until: '[ -s /srv/odd-text ]', title: 'it is full' }), 'echo x >/srv/odd-text'] as const,
    [wait({ unit: 'odd-late' }), 'systemd-run -q --unit=odd-late sleep infinity'] as const,
  )
  await fc.assert(
    fc.asyncProperty(late, wish, async (delay, [step, event]) => {
      await sh('rm -rf /srv/odd-late /srv/odd-text; systemctl stop odd-late 2>/dev/null || true')
      await sh(delay === '' ? event : `${delay}${quote(`sleep 0.7; ${event}`)}`)
      const { summary } = await runSteps(node, [step])
      expect(summary.errors).toEqual([])
      expect((await runSteps(node, [step], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
    }),
    RUNS,
  )
})

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')

test('a download, whatever was in its place or left beside it', async () => {
  const content = 'x'.repeat(20_000)
  await serveOn(node.connection, '/srv/web', 8099)
  await node.connection.writeFile('/srv/web/thing', content, 0o644)
  const path = '/srv/random/thing'
  const state = fc.oneof(thingAt(path), fc.constant(`cp /srv/web/thing ${path}`))
  const rest = fc.constantFrom(
    ':',
    'head -c 999 /srv/web/thing >$part',
    'echo garbage >$part',
    'cp /srv/web/requests $part',
  )
  await fc.assert(
    fc.asyncProperty(state, rest, mode, owner, async (made, part, bits, who) => {
      const script = `rm -rf /srv/random; mkdir -p /srv/random/target; part=/srv/random/.thing.lab-part; ${made}; ${part}`
      const url = 'http://127.0.0.1:8099/thing'
      await settle(node, script, download({ url, path, sha256: sha256(content), mode: bits, owner: who }))
      expect(await sh(`sha256sum <${path} | cut -c1-64; stat -c '%u' ${path}`)).toBe(
        `${sha256(content)}\n${{ 'root:root': '0', 'daemon:adm': '1', '4711:4711': '4711' }[who]}`,
      )
    }),
    RUNS,
  )
})

test('an archive, whatever its directory held of archives', async () => {
  await sh(`mkdir -p /srv/pack/tool-1/bin /srv/pack2; echo run >/srv/pack/tool-1/bin/tool; echo two >/srv/pack2/two
tar -C /srv/pack -czf /srv/one.tgz tool-1; tar -C /srv/pack2 -cf /srv/two.tar two`)
  const wish = fc.constantFrom(
    archive({ source: '/srv/one.tgz', path: '/srv/odd/tool' }),
    archive({ source: '/srv/one.tgz', path: '/srv/odd/tool', strip: 1, owner: 'daemon:adm' }),
    archive({ source: '/srv/two.tar', path: '/srv/odd/tool' }),
  )
  const before = fc.option(wish, { nil: undefined })
  const drift = fc.constantFrom(
    ':',
    'echo x >>$(find /srv/odd/tool -type f | head -n 1)',
    'touch /srv/odd/tool/more',
    'rm -f /srv/odd/tool/two /srv/odd/tool/bin/tool',
    'chmod 600 /srv/odd/tool/*; mkdir /srv/odd/.tool.lab-new',
  )
  await fc.assert(
    fc.asyncProperty(before, drift, wish, async (was, drifted, step) => {
      await sh('rm -rf /srv/odd; mkdir -p /srv/odd')
      if (was === undefined) await sh(drifted === ':' ? ':' : 'mkdir /srv/odd/tool')
      else await runSteps(node, [was])
      await settle(node, was === undefined ? ':' : drifted, step)
      const found = await sh("cd /srv/odd/tool; find . -type f ! -name .lab-archive -printf '%P %U\\n'; ls -A /srv/odd")
      expect(['tool-1/bin/tool 0\ntool', 'bin/tool 1\ntool', 'two 0\ntool']).toContain(found)
    }),
    RUNS,
  )
})

test('a working tree, whatever was checked out or changed in it', async () => {
  await sh(`git init -q --bare -b main /srv/app.git; git clone -q /srv/app.git /srv/app 2>/dev/null; cd /srv/app
git config user.name a; git config user.email a@b.c
echo 1 >file; git add file; git commit -qm 1; git tag v1; echo 2 >file; mkdir d; echo d >d/d; git add .; git commit -qm 2
git push -q origin HEAD:main v1; git clone -q --bare /srv/app.git /srv/other.git`)
  const commit = await sh('git -C /srv/app rev-parse v1')
  const state = fc.constantFrom(
    ':',
    'mkdir $d',
    'git clone -q /srv/app.git $d',
    'git clone -q /srv/other.git $d; echo x >$d/file',
    'git clone -q /srv/app.git $d; cd $d; git checkout -q v1; touch new; rm file; touch .git/index.lock',
    'git clone -q /srv/app.git $d; cd $d; git reset -q --soft v1; rm -r d; echo gone >d',
  )
  await fc.assert(
    fc.asyncProperty(state, fc.constantFrom('main', 'v1', commit), async (made, revision) => {
      const wanted = { repository: '/srv/app.git', path: '/srv/odd-tree', revision, discard: true }
      await settle(node, `rm -rf /srv/odd-tree; d=/srv/odd-tree; ${made}`, gitCheckout(wanted))
      expect(await sh('cd /srv/odd-tree; cat file; git status --porcelain')).toBe(revision === 'main' ? '2' : '1')
    }),
    RUNS,
  )
})

test('a subvolume and a dataset, whatever they were', async () => {
  await startPool(node.connection, 'btrfs')
  await startPool(node.connection, 'zfs')
  const path = '/srv/pool/odd/data'
  const volume = fc.constantFrom(
    ':',
    `mkdir -p ${path}`,
    `btrfs -q subvolume create ${path}; chmod 700 ${path}; chown daemon ${path}`,
    `btrfs -q subvolume create ${path}; touch ${path}/kept; btrfs property set -ts ${path} ro true`,
  )
  const wish = fc.oneof(
    fc.record({ path: fc.constant(path), mode: fc.constantFrom(0o750, 0o711), owner, readOnly: fc.boolean() }),
    fc.constant({ path, absent: true as const }),
  )
  await fc.assert(
    fc.asyncProperty(volume, wish, async (state, wanted) => {
      // A directory that is no subvolume is nobody's to remove.
      if ('absent' in wanted && state.startsWith('mkdir')) return
      const reset = `btrfs -q property set -f -ts ${path} ro false 2>/dev/null || true
btrfs -q subvolume delete ${path} >/dev/null 2>&1 || rm -rf ${path}; mkdir -p /srv/pool/odd\n`
      await settle(node, reset + state, btrfsSubvolume(wanted))
      const found = await sh(`btrfs property get -ts ${path} ro 2>/dev/null || true; ls ${path} 2>/dev/null || true`)
      if ('absent' in wanted) expect(found).toBe('')
      else expect(found).toBe(`ro=${String(wanted.readOnly)}${state.includes('kept') ? '\nkept' : ''}`)
    }),
    RUNS,
  )
  const properties = fc.subarray(['compression=on', 'quota=64M', 'atime=off'])
  const dataset = fc.option(properties, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(dataset, dataset, async (was, wanted) => {
      const make = was === undefined ? ':' : `zfs create -p ${was.map((each) => `-o ${each}`).join(' ')} tank/odd/data`
      const named = Object.fromEntries((wanted ?? []).map((each) => each.split('=') as [string, string]))
      const step = zfsDataset({
        name: 'tank/odd/data',
        ...(wanted === undefined ? { absent: true } : { properties: named }),
      })
      await settle(node, `zfs destroy -r tank/odd 2>/dev/null || true; ${make}`, step)
      const found = await sh('zfs get -H -o property,value compression,quota,atime tank/odd/data 2>/dev/null || true')
      if (wanted === undefined) expect(found).toBe('')
      for (const each of wanted ?? []) expect(found.replaceAll('\t', '=').split('\n')).toContain(each)
    }),
    RUNS,
  )
})
