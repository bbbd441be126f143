import { execa } from 'execa'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { container, docker, ensureSample, lab, labDirectory, labOk } from './harness.ts'

const NODES = ['mgmt', 'node1', 'node2', 'node3']
let stateDirectory: string

beforeAll(async () => {
  await ensureSample(2)
  stateDirectory = join(labDirectory(), '.lab')
})

/** Everything secret the lab has, as text to search for. */
async function secrets(): Promise<readonly string[]> {
  const password = (await readFile(join(stateDirectory, 'registry-password'), 'utf8')).trim()
  const hash = (await readFile(join(stateDirectory, 'registry-password-hash'), 'utf8')).trim()
  const keys = await Promise.all(
    ['id_ed25519', 'transfer_ed25519', 'ca.pem', 'registry.pem'].map((file) =>
      readFile(join(stateDirectory, file), 'utf8'),
    ),
  )
  // A line from the middle of a key stands for the whole of it.
  const lines = keys.map((text) => text.split('\n')[2] ?? '')
  const token = (await onNode('mgmt', 'docker', 'swarm', 'join-token', '-q', 'worker')).trim()
  return [password, Buffer.from(`lab:${password}`).toString('base64'), hash, token, ...lines]
}

async function onNode(node: string, ...argv: readonly string[]): Promise<string> {
  return docker('exec', await container(node), ...argv)
}

test('every file of the lab is for its owner only', async () => {
  expect((await stat(stateDirectory)).mode & 0o777).toBe(0o700)
  for (const entry of await readdir(stateDirectory, { recursive: true, withFileTypes: true })) {
    const mode = (await stat(join(entry.parentPath, entry.name))).mode & 0o777
    expect(`${entry.name} ${mode.toString(8)}`).toBe(`${entry.name} ${entry.isDirectory() ? '700' : '600'}`)
  }
})

test('nothing of the lab listens beyond loopback on the host', async () => {
  for (const node of NODES) {
    const ports = JSON.parse(
      await docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', await container(node)),
    ) as Record<string, { HostIp: string }[] | null>
    const addresses = Object.values(ports).flatMap((bindings) => (bindings ?? []).map(({ HostIp }) => HostIp))
    expect(addresses.length).toBeGreaterThan(0)
    expect(addresses.every((address) => address === '127.0.0.1')).toBe(true)
  }
})

test('no engine of a node takes orders on TCP, but for its diagnostics, from the root of the node', async () => {
  for (const node of NODES) {
    const listening = await onNode(node, 'ss', '-Hltnp')
    const engine = listening.split('\n').filter((line) => line.includes('dockerd'))
    // 2377 and 7946 are the swarm's own, under mutual TLS.
    const known = /:(2377|7946)\s|127\.0\.0\.1:7947\s|127\.0\.0\.11|\[::\]:0/
    expect(engine.filter((line) => !known.test(line))).toEqual([])
  }
  // They open with the second start of an engine, or when it is told to read its settings.
  await onNode('node2', 'systemctl', 'reload', 'docker')
  const ask = ['curl', '-gsS', '--max-time', '5', '127.0.0.1:7947/clusterpeers?json']
  expect(await onNode('node2', ...ask, '--retry', '5', '--retry-connrefused')).toContain('"message":"OK"')
  const asNobody = await onNode(
    'node2',
    'sh',
    '-c',
    'setpriv --reuid=65534 --clear-groups "$@" 2>&1 || true',
    'sh',
    ...ask,
  )
  expect(asNobody).toMatch(/refused|Failed to connect/)
})

test('the registry refuses without its password, and plain HTTP', async () => {
  const status = (...argv: readonly string[]) =>
    onNode('node2', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...argv)
  const ca = ['--cacert', '/etc/docker/certs.d/registry.lab.local:5000/ca.crt']
  expect(await status(...ca, 'https://registry.lab.local:5000/v2/')).toBe('401')
  expect(await status(...ca, '-u', 'lab:wrong', 'https://registry.lab.local:5000/v2/')).toBe('401')
  expect(await status('http://registry.lab.local:5000/v2/')).toBe('400')
})

test('no secret stands in the arguments or environment of any process, on nodes or the host', async () => {
  const wanted = await secrets()
  const script =
    'for p in /proc/[0-9]*; do tr "\\0" "\\n" < $p/cmdline; tr "\\0" "\\n" < $p/environ; done 2>/dev/null; true'
  const working = labOk(['up'])
  const texts: string[] = []
  for (let look = 0; look < 5; look++) {
    texts.push((await execa('sh', ['-c', script])).stdout)
    texts.push(...(await Promise.all(NODES.map((node) => onNode(node, 'sh', '-c', script)))))
  }
  await working
  expect(texts.join('\n').length).toBeGreaterThan(1000)
  for (const secret of wanted) expect(texts.some((text) => text.includes(secret))).toBe(false)
})

test('no secret stands in events, run records, errors, journals or central logs', async () => {
  const wanted = await secrets()
  await onNode(
    'node1',
    'sh',
    '-c',
    'rm -rf /etc/docker/certs.d; chmod 644 /root/.docker/config.json; systemctl stop docker-registry',
  )
  const texts = [
    (await lab(['plan', '--diff', '--json'])).stdout,
    (await lab(['plan', '--diff'])).stdout,
    (await labOk(['up', '--json'])).stdout,
    (await labOk(['status', '--json'])).stdout,
  ]
  for (const entry of await readdir(join(stateDirectory, 'runs'))) {
    texts.push(await readFile(join(stateDirectory, 'runs', entry), 'utf8'))
  }
  for (const node of NODES) {
    texts.push(await onNode(node, 'sh', '-c', 'journalctl --no-pager -q; cat /var/log/lab/*.log 2>/dev/null; true'))
  }
  expect(texts.every((text) => text.length > 0)).toBe(true)
  for (const secret of wanted) {
    expect(texts.findIndex((text) => text.includes(secret))).toBe(-1)
  }
})

test('a node with another host key is not talked to', async () => {
  const file = join(stateDirectory, 'host_keys', 'node2.pub')
  const { writeFile } = await import('node:fs/promises')
  const right = await readFile(file, 'utf8')
  await writeFile(file, await readFile(join(stateDirectory, 'host_keys', 'node3.pub'), 'utf8'))
  try {
    const ran = await lab(['ssh', 'node2', '--', 'true'])
    expect(ran.exitCode).toBe(1)
    expect(ran.stderr).toMatch(/host key/i)
  } finally {
    await writeFile(file, right)
  }
})

test('nodes answer names with their own forwarder and have no public name server to fall back on', async () => {
  for (const node of NODES) {
    expect((await onNode(node, 'cat', '/etc/resolv.conf')).match(/^nameserver .*$/gm)).toEqual(['nameserver 127.0.0.1'])
    const config = await onNode(node, 'sh', '-c', 'cat /etc/docker/daemon.json /run/lab/upstream.conf; ps ax -o args')
    expect(config).not.toMatch(/8\.8\.8\.8|8\.8\.4\.4|1\.1\.1\.1/)
  }
  const inContainer = await onNode('node2', 'docker', 'exec', 'lab-probe', 'cat', '/etc/resolv.conf')
  expect(inContainer).not.toMatch(/8\.8\.8\.8/)
})

test.each([['; rm -rf /'], ['$(reboot)'], ['../etc'], ['-x'], ['a'.repeat(300)], ["'"]])(
  'the name %j reaches no shell and no path',
  async (name) => {
    for (const args of [
      ['scale', '--', name, '2'],
      ['move-volume', '--', name, 'node2'],
      ['rm', '--', name],
      ['logs', '--', name],
      ['ssh', '--', name],
    ]) {
      const ran = await lab(args)
      expect(ran.exitCode).toBe(64)
    }
  },
)
