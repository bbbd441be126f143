import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { archive } from '../../src/steps/archive.ts'
import { btrfsSubvolume } from '../../src/steps/btrfs-subvolume.ts'
import { download } from '../../src/steps/download.ts'
import { gitCheckout } from '../../src/steps/git-checkout.ts'
import { zfsDataset } from '../../src/steps/zfs-dataset.ts'
import { useNode } from '../node-fixture.ts'
import { serveOn } from './http-server.ts'
import { converge, runSteps } from './play-runner.ts'
import { startPool } from './pool-node.ts'
import { mode, owner, RUNS, settle, thingAt } from './random-state.ts'

const node = useNode()
const { sh } = node
beforeAll(() => converge(node, [apt({ packages: ['git'] })]))

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
