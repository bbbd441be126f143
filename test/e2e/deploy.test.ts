import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startReader } from './client.ts'
import { container, docker, ensureSample, lab, labDirectory, labEvents, labOk, status, writeFiles } from './harness.ts'

/** A small web server from what the seeded base image has: no download, no build of minutes. */
const DOCKERFILE = `FROM debian:trixie-slim
COPY server.pl /server.pl
ARG VERSION=1
ENV VERSION=$VERSION
CMD ["perl", "/server.pl"]
`
const SERVER = `use strict; use IO::Socket::INET; $| = 1;
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die "cannot listen";
print "serving version $ENV{VERSION}\\n"; $SIG{TERM} = sub { exit 0 };
while (my $c = $s->accept) { while (my $l = <$c>) { last if $l =~ /^\\r?$/ }
  my $b = "version $ENV{VERSION} $ENV{GREETING}\\n";
  print $c "HTTP/1.0 200 OK\\r\\nContent-Length: ".length($b)."\\r\\n\\r\\n$b"; close $c }
`
const HEALTHCHECK = `    healthcheck:
      test: ["CMD", "perl", "-MIO::Socket::INET", "-e", "exit !IO::Socket::INET->new('127.0.0.1:8080')"]
      interval: 1s
`

function compose(version: string, extra = ''): string {
  return `services:
  hello:
    build:
      context: .
      args: { VERSION: "${version}" }
    environment:
      GREETING: \${GREETING:-none}
    ports: ["8001:8080"]
${HEALTHCHECK}${extra}`
}

let app: string
let edge: string

beforeAll(async () => {
  edge = (await ensureSample(2)).edge
  app = join(labDirectory(), 'hello')
  await mkdir(app, { recursive: true })
})
afterAll(async () => {
  await lab(['rm', 'hello'])
  await rm(app, { recursive: true, force: true })
})

async function write(version: string, extra?: string): Promise<void> {
  await writeFiles(app, { Dockerfile: DOCKERFILE, 'server.pl': SERVER, 'compose.yml': compose(version, extra) })
}

async function body(): Promise<string> {
  // The edge's port 8001 is not published on the host; the edge node itself is a client like any other.
  return docker('exec', await container('mgmt'), 'curl', '-sf', 'http://127.0.0.1:8001/')
}

test('the sample answers through the edge: nginx, nodeapp and mongo', async () => {
  const page = await fetch(edge)
  expect(page.status).toBe(200)
  expect(await page.text()).toMatch(/<html/i)
  const posted = await fetch(`${edge}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'hello <b>there</b>' }),
  })
  expect(posted.status).toBe(201)
  const message = (await posted.json()) as Record<string, unknown>
  expect(Object.keys(message).sort()).toEqual(['at', 'id', 'instance', 'node', 'text'])
  const list = (await (await fetch(`${edge}/api/messages?limit=1`)).json()) as { total: number; messages: unknown[] }
  expect(list.messages).toEqual([message])
  expect(await (await fetch(edge)).text()).not.toContain('<b>there</b>')
})

test.each([
  ['no JSON', 'nonsense'],
  ['no text', '{}'],
  ['an empty text', '{"text":""}'],
  ['a text that is no string', '{"text":7}'],
])('a message with %s is refused with 400 and the reason', async (_, text) => {
  const response = await fetch(`${edge}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  })
  expect(response.status).toBe(400)
  expect(await response.text()).not.toBe('')
})

test('deploying what is deployed changes nothing and restarts nothing', async () => {
  const tasks = async () => (await status()).services.flatMap((service) => service.tasks.map((task) => task.id)).sort()
  const before = await tasks()
  for (const name of ['mongo', 'nodeapp', 'nginx']) {
    const { last } = await labEvents(['deploy', name])
    expect(last).toMatchObject({ type: 'deployed', app: name, changed: false })
  }
  expect(await tasks()).toEqual(before)
})

test('a directory is built, pinned by digest, deployed and answers with variables of its .env', async () => {
  await write('1')
  await writeFiles(app, { '.env': 'GREETING=from-the-env-file\n' })
  const { ran, last } = await labEvents(['deploy', './hello'])
  expect(ran.exitCode, ran.stdout).toBe(0)
  expect(last).toMatchObject({ type: 'deployed', app: 'hello', services: ['hello'], changed: true })
  expect(await body()).toBe('version 1 from-the-env-file')
  const service = (await status()).services.find(({ name }) => name === 'hello')
  expect(service?.image).toMatch(/^registry\.lab\.local:5000\/.+@sha256:[0-9a-f]{64}$/)
  expect(service?.urls).toHaveLength(1)
  expect(await (await fetch(service?.urls[0] ?? '')).text()).toContain('version 1 from-the-env-file')
})

test('--no-build deploys what was pushed last, though the source is another by now', async () => {
  await write('2')
  await labOk(['deploy', './hello', '--no-build'])
  expect(await body()).toContain('version 1')
})

test('a new version replaces the old one without an error for a client of the edge', async () => {
  const client = startReader(`${edge}/api/whoami`)
  await labOk(['restart', 'nodeapp'])
  await labOk(['restart', 'nginx'])
  const seen = await client.stop()
  await labOk(['deploy', './hello'])
  expect(await body()).toContain('version 2')
  expect(seen.requests).toBeGreaterThan(50)
  expect(seen.errors).toEqual([])
})

test.each([
  ['crashes on start', `    command: ["sh", "-c", "echo no such luck >&2; exit 3"]\n`, /no such luck/],
  [
    'fits no node',
    `    deploy: { placement: { constraints: ["node.labels.nosuch == yes"] } }\n`,
    /constraint|no suitable node/,
  ],
  ['never gets healthy', `    command: ["sh", "-c", "echo I am up but deaf; sleep 1000"]\n`, /health|deaf/],
])('a version that %s ends with the reason, exit 1, and the version before still serving', async (_, extra, reason) => {
  await write('3', extra)
  const { ran, last } = await labEvents(['deploy', './hello'])
  expect(ran.exitCode).toBe(1)
  expect(last.type).toBe('error')
  expect(JSON.stringify(last)).toMatch(reason)
  expect(await body()).toContain('version 2')
})

test('an image that cannot be had is named, and the version before still serves', async () => {
  await writeFiles(app, {
    'compose.yml': 'services:\n  hello:\n    image: nosuchimage.invalid/really:1\n    ports: ["8001:8080"]\n',
  })
  const { ran, last } = await labEvents(['deploy', './hello'])
  expect(ran.exitCode).toBe(1)
  expect(JSON.stringify(last)).toContain('nosuchimage.invalid/really:1')
  expect(await body()).toContain('version 2')
})

test('a build that fails shows what the step wrote that failed, and the version before still serves', async () => {
  await writeFiles(app, {
    Dockerfile: 'FROM debian:trixie-slim\nRUN echo so far so good; ls /no-such-place\n',
    'compose.yml': compose('4'),
  })
  const { ran, last } = await labEvents(['deploy', './hello'])
  expect(ran.exitCode).toBe(1)
  expect(last).toMatchObject({ type: 'error', code: 'BUILD_FAILED' })
  // What a step writes and what it complains of come in no order.
  const said = String(last['message'])
  expect(said).toMatch(/^so far so good$/m)
  expect(said).toMatch(/^ls: .*\/no-such-place/m)
  expect(said).toMatch(/\nfailed to solve/)
  expect(await body()).toContain('version 2')
  await writeFiles(app, { Dockerfile: DOCKERFILE })
})

test('a template takes parameters from params.yml and --set, and refuses unknown ones', async () => {
  await rm(join(app, 'compose.yml'))
  await writeFiles(app, {
    'params.yml': 'replicas: 1\nmemory: 64M\n',
    'compose.yml.hbs': compose(
      '4',
      '    deploy: { replicas: {{replicas}}, resources: { limits: { memory: {{memory}} } } }\n',
    ),
  })
  const wrong = await lab(['deploy', './hello', '--set', 'replcas=2'])
  expect(wrong.exitCode).toBe(64)
  expect(wrong.stderr).toContain('replicas')
  await labOk(['deploy', './hello', '--set', 'replicas=2', '--set', 'memory=128M'])
  expect((await status()).services.find(({ name }) => name === 'hello')).toMatchObject({ desired: 2, running: 2 })
})

test('what Swarm cannot honour is named with file and line, all at once, and nothing changes', async () => {
  await rm(join(app, 'compose.yml.hbs'), { force: true })
  await writeFiles(app, {
    'compose.yml': `services:
  hello:
    build: .
    privileged: true
    container_name: mine
    network_mode: host
    ports: ["9999:8080"]
`,
  })
  const ran = await lab(['deploy', './hello'])
  expect(ran.exitCode).toBe(64)
  for (const [line, word] of [
    [4, 'privileged'],
    [5, 'container_name'],
    [6, 'network_mode'],
    [7, '9999'],
  ] as const) {
    expect(ran.stderr).toMatch(new RegExp(`compose\\.yml:${String(line)}:\\d+:.*${word}`))
  }
  expect(await body()).toContain('version')
})

test('an app whose service name another app owns is refused, naming both', async () => {
  await writeFiles(app, { 'compose.yml': compose('5').replace('  hello:', '  nodeapp:') })
  const ran = await lab(['deploy', './hello'])
  expect(ran.exitCode).not.toBe(0)
  expect(ran.stderr).toMatch(/nodeapp/)
  expect(ran.stderr).toMatch(/hello/)
})

test('rm removes the app and its route, and a second rm says there is none', async () => {
  await labOk(['rm', 'hello'])
  expect((await status()).services.map(({ name }) => name)).not.toContain('hello')
  await expect(body()).rejects.toThrow()
  const again = await lab(['rm', 'hello'])
  expect(again.exitCode).toBe(64)
})
