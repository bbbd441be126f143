import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { execa } from 'execa'
import { nthAddress } from '../../src/model/addresses.ts'
import { createAuthority } from '../../src/secrets/certificates.ts'
import { container, docker, labOk } from '../e2e/harness.ts'
import { startProxy } from '../e2e/logging-proxy.ts'
import { destroyLab, makeLab } from '../e2e/own-lab.ts'

/*
 * One lab, made once with a network. Then: the host's proxy, which opens TLS, is used by nodes and builds, and its password
 * shown nowhere;
 * a second demo with every way out closed; a bundle of it, brought up in a machine (a container with an engine of its own)
 * that has no network device but its loopback.
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
  await labOk(['destroy', '--yes'], options())
  // An address of this host on which nobody answers: whatever would leave it has nowhere to go.
  const subnet = await docker('network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Subnet}}')
  const nowhere = `http://${nthAddress(subnet, 1)}:9`
  const env = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, http_proxy: nowhere, https_proxy: nowhere }
  const { stdout } = await labOk(['demo'], { ...options(), env })
  expect(stdout).toContain('the sample runs')
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
