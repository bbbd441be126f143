import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { execa } from 'execa'
import { createAuthority } from '../../src/secrets/certificates.ts'
import { container, docker, labId, labOk, LAUNCHER } from '../e2e/harness.ts'
import { startProxy } from '../e2e/logging-proxy.ts'
import { destroyLab, makeLab } from '../e2e/own-lab.ts'
import { takeNetworkAway } from './no-way-out.ts'

/*
 * One lab, made once with a network. Then: the host's proxy, which opens TLS, is used by nodes and builds, and its password
 * shown nowhere; a second demo with the network taken away from the lab's nodes and from `lab` itself; a bundle of it,
 * brought up in a machine (a container with an engine of its own) that has no network device but its loopback.
 */
const MACHINE = `lab-torture-airgap-${String(process.pid)}`
const CREDENTIALS = 'lab:sesame-open-42'

let directory: string
const options = () => ({ cwd: directory, timeoutMs: 1_500_000 })

beforeAll(async () => {
  directory = await makeLab('offline')
  await labOk(['demo'], options())
}, 1_800_000)

afterAll(async () => {
  await docker('rm', '-f', '-v', MACHINE)
  await destroyLab(directory)
}, 300_000)

test('what nodes and builds download goes through the proxy of the host', { timeout: 900_000 }, async () => {
  const gateway = await docker(
    'exec',
    await container('mgmt', directory),
    'sh',
    '-c',
    "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'",
  )
  const authority = await createAuthority('a proxy that opens TLS', 1)
  const proxy = await startProxy(['127.0.0.1', gateway], CREDENTIALS, authority)
  try {
    const address = `http://${CREDENTIALS}@127.0.0.1:${String(proxy.port)}`
    const trusted = join(directory, 'trusted.pem')
    const already = process.env['NODE_EXTRA_CA_CERTS']
    const others = already === undefined ? '' : await readFile(already, 'utf8')
    await writeFile(trusted, `${others}\n${authority.certificate}`)
    const env = { HTTP_PROXY: address, HTTPS_PROXY: address, NODE_EXTRA_CA_CERTS: trusted }
    const up = await labOk(['up', '--json'], { ...options(), env })
    await labOk(['sh', 'apt-get update', '--on', 'node2'], options())
    const node = await container('node2', directory)
    const sources = await docker(
      'exec',
      node,
      'sh',
      '-c',
      'cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || :',
    )
    const mirrors = [...sources.matchAll(/https?:\/\/([^/\s:]+)/g)].map(([, host]) => host)
    expect(proxy.hosts.some((host) => mirrors.includes(host))).toBe(true)
    expect(proxy.hosts.join(' ')).not.toMatch(/swarm|lab\.local/)
    expect(up.stdout).not.toContain('sesame')

    const { stdout: registry } = await execa('npm', ['config', 'get', 'registry'])
    const build = await labOk(['deploy', await makeDownloader(registry), '--json'], { ...options(), env })
    expect(proxy.opened).toContain(new URL(registry).hostname)
    expect(build.stdout).not.toContain('sesame')
    await labOk(['rm', 'downloader'], options())
  } finally {
    await proxy.close()
  }
  await labOk(['up'], options())
})

test('a second demo needs no network', { timeout: 1_500_000 }, async () => {
  const asked = ['network', 'inspect', await labId(directory), '--format', '{{(index .IPAM.Config 0).Subnet}}']
  const subnet = await docker(...asked)
  await labOk(['destroy', '--yes'], options())
  // The same again, so that it is known before whose way out is to be closed.
  const file = join(directory, 'lab.yml')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^subnet: auto/m, `subnet: ${subnet}`))
  const { stdout: registry } = await execa('npm', ['config', 'get', 'registry'])
  const download = `fetch(${JSON.stringify(registry)}).then(() => console.log('answers'), () => console.log('silence'))`
  const update = ['apt-get', 'update', '-o', 'APT::Update::Error-Mode=any', '-o', 'Acquire::Retries=0']
  const mgmt = await container('mgmt', directory)
  const since = String(Math.floor(Date.now() / 1000))
  const away = await takeNetworkAway(subnet)
  try {
    const cutOff = { cwd: directory, stdin: 'ignore', timeout: 1_200_000 } as const
    const ran = await execa(...away.inside([LAUNCHER, 'demo']), { ...cutOff, reject: false, all: true })
    expect(ran.exitCode, ran.all).toBe(0)
    expect(ran.stdout).toContain('the sample runs')
    // Nothing could have come from elsewhere, for this machine's processes as for the nodes'.
    expect((await execa(...away.inside([process.execPath, '-e', download]), cutOff)).stdout).toBe('silence')
    await expect(docker('exec', mgmt, ...update)).rejects.toThrow()
  } finally {
    await away.end()
  }
  // The host's engine serves others, too, and is not cut off: it was asked for nothing.
  const pulls = await docker(
    'events',
    '--since',
    since,
    '--until',
    String(Math.floor(Date.now() / 1000)),
    '--filter',
    'event=pull',
  )
  expect(pulls).toBe('')
  expect((await execa(process.execPath, ['-e', download])).stdout).toBe('answers')
  await docker('exec', mgmt, ...update)
})

test('a bundle brings the lab up on a machine without a network', { timeout: 2_400_000 }, async () => {
  const file = join(directory, 'it.lab-bundle')
  await labOk(['bundle', file], options())
  expect((await stat(file)).mode & 0o111).not.toBe(0)
  const image = await docker('inspect', '--format', '{{.Config.Image}}', await container('node1', directory))
  await labOk(['halt'], options())
  await startMachine(image, file)
  const inside = (script: string) => docker('exec', '-w', '/home', MACHINE, 'sh', '-euc', script)
  await inside('until systemctl start docker; do sleep 1; done')
  expect(await inside('ip -o -4 addr show scope global | grep -v docker0 || true')).toBe('')
  expect(await inside('sh /media/it.lab-bundle there')).toContain('cd there && ./lab up')
  await inside('cd there && ./lab up')
  expect(await inside('cd there && ./lab deploy')).toContain('nginx deployed')
  expect(await inside('cd there && ./lab up')).toContain('0 changed')
})

/** A machine with systemd and an engine, and no way out. */
async function startMachine(image: string, bundle: string): Promise<void> {
  const node = await container('node1', directory)
  const dropped = await docker('inspect', '--format', '{{range .HostConfig.CapDrop}}{{.}} {{end}}', node)
  const library = '/usr/lib/x86_64-linux-gnu/libstdc++.so.6'
  await docker(
    ...['run', '-d', '--name', MACHINE, '--network', 'none', '--cgroupns', 'private', '--cap-add', 'ALL'],
    ...dropped.split(' ').flatMap((name) => (name === '' ? [] : ['--cap-drop', name])),
    ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].flatMap((each) => [
      '--security-opt',
      each,
    ]),
    ...['--device-cgroup-rule', 'a *:* rwm', '--tmpfs', '/run:exec', '--tmpfs', '/run/lock', '--tmpfs', '/tmp:exec'],
    ...['/var/lib/docker', '/var/lib/lab', '/home'].flatMap((path) => ['-v', path]),
    ...['-v', `${bundle}:/media/it.lab-bundle:ro`, '-v', `${process.execPath}:/usr/local/bin/node:ro`],
    ...['-v', `${await realpath(library)}:${library}:ro`, image],
  )
}

/** An app whose build downloads from Debian over HTTP, and `url` over TLS. Each run of the test builds it anew. */
async function makeDownloader(url: string): Promise<string> {
  const app = join(directory, 'downloader')
  await mkdir(app)
  await writeFile(
    join(app, 'Dockerfile'),
    `FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl
RUN echo ${MACHINE} && curl -sSf -o /dev/null ${url}
CMD ["sleep", "infinity"]
`,
  )
  await writeFile(join(app, 'compose.yml'), 'services:\n  downloader:\n    build: .\n    init: true\n')
  return app
}
