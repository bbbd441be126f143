import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { archive } from '../../src/steps/archive.ts'
import { download } from '../../src/steps/download.ts'
import { gitCheckout } from '../../src/steps/git-checkout.ts'
import { script } from '../../src/steps/script.ts'
import { wait } from '../../src/steps/wait.ts'
import { useNode } from '../node-fixture.ts'
import { serveOn } from './http-server.ts'
import { converge, runSteps } from './play-runner.ts'

const WEB = '/srv/web'
const PORT = 8099
const URL_OF = (name: string) => `http://127.0.0.1:${String(PORT)}/${name}`

const node = useNode()
const { sh } = node
let local: string
beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'lab-fetch-'))
  await serveOn(node.connection, WEB, PORT)
})
afterAll(() => rm(local, { recursive: true, force: true }))

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')
/** A file of the web server; returns its checksum. */
const publish = async (name: string, content: string) => {
  await node.connection.writeFile(`${WEB}/${name}`, content, 0o644)
  return sha256(content)
}
const firstError = async (...steps: Parameters<typeof runSteps>[1][number][]) =>
  (await runSteps(node, steps)).summary.errors[0]

test('a download that is cut off goes on where it was, and what is there already is not fetched', async () => {
  const wanted = { url: URL_OF('cut-one'), path: '/srv/got/one', sha256: await publish('cut-one', 'x'.repeat(50_000)) }
  expect(await converge(node, [download({ ...wanted, mode: 0o755, owner: 'root:adm' })])).toEqual([['content']])
  expect(await sh(`cat ${WEB}/requests`)).toContain('cut-one 0\ncut-one 25000')
  expect(await sh('stat -c "%a %U:%G %s" /srv/got/one; ls -A /srv/got')).toBe('755 root:adm 50000\none')
  await sh('chmod 600 /srv/got/one')
  const before = await sh(`wc -l <${WEB}/requests`)
  expect(await converge(node, [download({ ...wanted, mode: 0o755, owner: 'root:adm' })])).toEqual([['mode']])
  expect(await sh(`wc -l <${WEB}/requests`)).toBe(before)
  await sh('echo more >>/srv/got/one')
  expect(await converge(node, [download({ ...wanted, mode: 0o755, owner: 'root:adm' })])).toEqual([['content']])
})

test('a download is gone on with after a kill, and begun anew over the rest of something else', async () => {
  const wanted = download({ url: URL_OF('two'), path: '/srv/got/two', sha256: await publish('two', 'y'.repeat(9000)) })
  await sh('head -c 4000 /dev/zero | tr "\\0" y >/srv/got/.two.lab-part')
  expect(await converge(node, [wanted])).toEqual([['content']])
  await sh('rm /srv/got/two; head -c 4000 /dev/zero >/srv/got/.two.lab-part')
  expect(await converge(node, [wanted])).toEqual([['content']])
  await sh('rm /srv/got/two; head -c 9999 /dev/zero >/srv/got/.two.lab-part')
  expect(await converge(node, [wanted])).toEqual([['content']])
  expect(await sh(`grep "^two " ${WEB}/requests`)).toBe('two 4000\ntwo 4000\ntwo 0\ntwo 9999\ntwo 0')
})

test('without curl, wget or apt fetch; a wrong checksum or a refusal is an error and leaves the old file', async () => {
  const wanted = {
    url: URL_OF('cut-three'),
    path: '/srv/got/three',
    sha256: await publish('cut-three', 'z'.repeat(800)),
  }
  await sh('mv /usr/bin/curl /usr/bin/curl.away')
  try {
    const byWget = {
      url: URL_OF('cut-four'),
      path: '/srv/got/four',
      sha256: await publish('cut-four', 'four'.repeat(99)),
    }
    await sh(`printf '#!/bin/sh\\nexec busybox wget "$@"\\n' >/usr/local/bin/wget; chmod +x /usr/local/bin/wget`)
    expect(await converge(node, [download(byWget)])).toEqual([['content']])
    expect(await sh(`grep "^cut-four " ${WEB}/requests; rm /usr/local/bin/wget`)).toBe('cut-four 0\ncut-four 198')
    // apt's helper may need a second run for what was cut off.
    const first = await runSteps(node, [download(wanted)])
    if (first.summary.failed > 0) await converge(node, [download(wanted)])
    expect(await sh('wc -c </srv/got/three')).toBe('800')
  } finally {
    await sh('mv /usr/bin/curl.away /usr/bin/curl')
  }
  const wrong = await firstError(download({ ...wanted, sha256: sha256('other') }))
  expect(wrong).toMatchObject({ code: 'STEP_FAILED' })
  expect(wrong?.message).toContain(`has the SHA-256 ${wanted.sha256}`)
  expect((await firstError(download({ ...wanted, url: URL_OF('none'), path: '/srv/none' })))?.message).toContain('404')
  expect(await sh('wc -c </srv/got/three; ls /srv/none 2>/dev/null || true')).toBe('800')
})

test('an archive is unpacked, found changed in any way and unpacked again, and not again otherwise', async () => {
  await sh(`mkdir -p /srv/pack/tool-1/bin; cd /srv/pack; echo run >tool-1/bin/tool; chmod 755 tool-1/bin/tool
ln -s bin/tool tool-1/link; echo "it's" >"tool-1/a name"; tar -czf /srv/tool.tar.gz tool-1`)
  const steps = [archive({ source: '/srv/tool.tar.gz', path: '/opt/tool', strip: 1, owner: 'daemon:adm' })]
  expect(await converge(node, steps)).toEqual([['content']])
  expect(await sh('cd /opt/tool; cat link; stat -c "%a %U:%G" bin/tool; ls')).toBe(
    'run\n755 daemon:adm\na name\nbin\nlink',
  )
  for (const drift of [
    'echo x >bin/tool',
    'chmod 700 bin',
    'rm link',
    'touch new',
    'chown root "a name"',
    'rm -r .lab*',
  ]) {
    await sh(`cd /opt/tool; ${drift}`)
    if (drift.startsWith('rm -r')) expect(await firstError(...steps)).toMatchObject({ code: 'FOREIGN_DIRECTORY' })
    else expect(await converge(node, steps)).toEqual([['content']])
  }
  await sh('rm -r /opt/tool; echo 2 >/srv/pack/tool-1/bin/tool; tar -C /srv/pack -czf /srv/tool.tar.gz tool-1')
  expect(await converge(node, steps)).toEqual([['content']])
  expect(await sh('cat /opt/tool/link; ls -A /opt')).toBe('2\ntool')
})

test('with a checksum the archive may go once it is unpacked; one from this machine is sent; xz and zip do too', async () => {
  await sh('cd /srv/pack; tar -cf /srv/t.tar tool-1; busybox xz -k /srv/t.tar 2>/dev/null || true')
  const known = archive({
    source: '/srv/t.tar',
    path: '/opt/known',
    sha256: await sh('sha256sum </srv/t.tar | cut -c1-64'),
  })
  expect(await converge(node, [known])).toEqual([['content']])
  const tar = join(local, 'own.tar')
  await writeFile(tar, await node.connection.readFile('/srv/t.tar'))
  await sh('rm /srv/t.tar')
  expect((await runSteps(node, [known])).outcomes).toEqual(['unpack /srv/t.tar to /opt/known: ok'])
  expect(await converge(node, [archive({ local: tar, path: '/opt/own' })])).toEqual([['content']])
  await converge(node, [apt({ packages: ['xz-utils', 'zip', 'git'] })])
  await sh('cd /srv/pack; tar -cJf /srv/t.tar.xz tool-1; rm tool-1/link; zip -qr /srv/t.zip tool-1')
  const packed = [
    archive({ source: '/srv/t.tar.xz', path: '/opt/xz', strip: 2 }),
    archive({ source: '/srv/t.zip', path: '/opt/zip', strip: 1 }),
  ]
  expect(await converge(node, packed)).toEqual([['content'], ['content']])
  expect(await sh('ls /opt/xz; find /opt/zip -type f | sort')).toBe(
    'tool\n/opt/zip/.lab-archive\n/opt/zip/a name\n/opt/zip/bin/tool',
  )
  expect(await firstError(archive({ source: '/srv/none.tar', path: '/opt/none' }))).toMatchObject({
    code: 'FACT_UNAVAILABLE',
  })
})

test('a repository is checked out, follows its branch, and refuses to lose what was changed by hand', async () => {
  const commit = (text: string) =>
    sh(`cd /srv/source; echo ${text} >file; git add .; git -c user.name=a -c user.email=a@b commit -qm ${text}
git rev-parse HEAD`)
  await sh('git init -qb main /srv/source')
  const first = await commit('one')
  const wanted = { repository: '/srv/source', path: '/opt/app', revision: 'main' }
  expect(await converge(node, [gitCheckout(wanted)])).toEqual([['commit']])
  await sh('git -C /srv/source -c user.name=a -c user.email=a@b tag -am "a tag" v1')
  const second = await commit('two')
  expect(await converge(node, [gitCheckout(wanted)])).toEqual([['commit']])
  expect(await sh('cat /opt/app/file; git -C /opt/app rev-parse HEAD')).toBe(`two\n${second}`)
  expect(await converge(node, [gitCheckout({ ...wanted, revision: 'v1' })])).toEqual([['commit']])
  expect(await converge(node, [gitCheckout({ ...wanted, revision: first })])).toEqual([[]])
  await sh('echo mine >/opt/app/file; touch /opt/app/new')
  const refused = await firstError(gitCheckout({ ...wanted, revision: first }))
  expect(refused).toMatchObject({ code: 'LOCAL_CHANGES' })
  expect(refused?.message).toMatch(/M file, \?\? new/)
  expect(await sh('cat /opt/app/file')).toBe('mine')
  expect(await converge(node, [gitCheckout({ ...wanted, discard: true })])).toEqual([['commit', 'local changes']])
  // As a run leaves it that was killed while git wrote: a mark, a lock, a file half-way.
  await sh('cd /opt/app; touch .git/lab-unfinished .git/index.lock; echo half >file')
  expect(await converge(node, [gitCheckout(wanted)])).toEqual([['checkout']])
  expect(await sh('cat /opt/app/file')).toBe('two')
  await sh('mkdir /opt/theirs; touch /opt/theirs/thing')
  expect(await firstError(gitCheckout({ ...wanted, path: '/opt/theirs' }))).toMatchObject({ code: 'FOREIGN_DIRECTORY' })
  expect((await firstError(gitCheckout({ ...wanted, revision: 'none' })))?.message).toContain('no branch and no tag')
})

test('a plan leaves no trace, whatever it finds', async () => {
  await sh('echo drift >>/opt/app/file; rm /opt/zip/bin/tool; echo drift >>/srv/got/one; touch /opt/app/new')
  const listing = () =>
    sh(
      `find /opt /srv /etc /root /usr/local /var/lib/lab -not -path ${WEB}/requests -printf '%p %y %m %T@ %C@\\n' | sort`,
    )
  const before = await listing()
  const fetched = download({ url: URL_OF('cut-one'), path: '/srv/got/one', sha256: 'a'.repeat(64) })
  const planned = await runSteps(
    node,
    [
      fetched,
      archive({ source: '/srv/got/one', path: '/opt/later', after: [fetched] }),
      archive({ source: '/srv/t.zip', path: '/opt/zip', strip: 1 }),
      gitCheckout({ repository: '/srv/source', path: '/opt/app', revision: 'main' }),
      wait({ http: URL_OF('busy'), deadlineMs: 500 }),
    ],
    { mode: 'plan' },
  )
  expect(planned.outcomes.map((line) => line.replace(/^.*: /, ''))).toEqual([
    'would-change',
    'maybe',
    'would-change',
    'would-change',
    'would-change',
  ])
  expect(await listing()).toBe(before)
})

test('a script of this machine runs by its own interpreter, and leaves nothing but what it made', async () => {
  await writeFile(join(local, 'make.pl'), '#!/usr/bin/perl -w\nopen F, ">", $ARGV[0]; print F "$ARGV[1]|$ENV{A}|$0"')
  const wanted = { file: join(local, 'make.pl'), args: ['/srv/made', "it's"], env: { A: 'a b' }, creates: '/srv/made' }
  expect(await converge(node, [script(wanted)])).toEqual([['/srv/made']])
  const [argument, variable, path = '/none'] = (await sh('cat /srv/made')).split('|')
  expect([argument, variable, await sh(`ls ${path} 2>/dev/null || echo gone`)]).toEqual(["it's", 'a b', 'gone'])
  await sh('rm /srv/made')
  expect(await converge(node, [script(wanted)])).toEqual([['/srv/made']])
})

test('waiting ends when it is so: a port, an answer, a unit, a path, a condition; or at its deadline', async () => {
  await sh(`systemd-run -q --on-active=6 --timer-property=AccuracySec=50ms --unit=test-late sh -c 'touch /srv/late; exec sleep infinity'
cp /usr/local/bin/test-server /srv/late-server
systemd-run -q --on-active=6 --timer-property=AccuracySec=50ms --unit=test-web perl /srv/late-server ${WEB} 8100`)
  await publish('there', 'there')
  const steps = [
    wait({ port: 8100 }),
    wait({ port: 8100, host: '127.0.0.1' }),
    wait({ http: 'http://127.0.0.1:8100/there', deadlineMs: 10_000 }),
    wait({ http: URL_OF('busy'), status: 503 }),
    wait({ unit: 'test-late' }),
    wait({ path: '/srv/late' }),
    wait({ until: 'test -e /srv/late', title: 'it is late' }),
  ]
  expect((await converge(node, steps))[0]).toEqual(['condition'])
  const late = await firstError(wait({ http: URL_OF('busy'), deadlineMs: 1000 }))
  expect(late?.message).toContain('not so within 1 s')
})
