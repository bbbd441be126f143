import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProduct } from '../../src/config/product.ts'
import { LabError } from '../../src/model/errors.ts'
import type { Site } from '../../src/model/site.ts'
import shapes from '../../src/model/step-options.json' with { type: 'json' }
import type { Play } from '../../src/model/step.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { loadPlaybook } from '../../src/workflows/playbook-file.ts'

/** By kind of step: options that no type forbids and no node could have, and what is said of them. */
const WRONG: Readonly<Record<string, readonly (readonly [options: string, message: RegExp])[]>> = {
  apt: [
    [`{ packages: ['Not A Name'] }`, /"Not A Name" is not the name of a Debian package.*a-z/],
    [`{ packages: ['a1=1', 'a1=2'] }`, /a1 is asked for in more than one version/],
  ],
  'apt-repository': [[`{ name: 'x', uris: [], suites: ['stable'] }`, /repository x: .*no uris/]],
  archive: [[`{ path: '/opt/x', source: '/x.tgz', sha256: 'abc' }`, /"abc" is no SHA-256: 64 digits of 0-9a-f/]],
  'authorized-key': [[`{ user: 'root', key: 'ssh' }`, /"ssh\.\.\." is not a public key.*ssh-ed25519/]],
  block: [[`{ path: '/x', name: 'b', content: '', after: 'a', before: 'b' }`, /either after or before/]],
  'btrfs-subvolume': [[`{ path: '/srv/x', mode: 99999 }`, /99999 is not a mode: write it in octal, like 0o644/]],
  command: [[`{ title: 'x', run: [], always: true }`, /"x" runs nothing.*"run"/]],
  directory: [[`{ path: 'srv' }`, /"srv" is not a path for a node: it must be absolute/]],
  'docker-container': [[`{ name: 'A b', image: 'x:1' }`, /"A b" is not .*a-z/]],
  'docker-image': [[`{ tag: 'noversion', pull: true }`, /"noversion" is not the name of an image: write name:tag/]],
  'docker-network': [[`{ name: 'a b', driver: 'bridge' }`, /"a b" is not the name of a network.*letters/]],
  download: [
    [`{ url: 'ftp://x', path: '/x', sha256: '${'0'.repeat(64)}' }`, /"ftp:\/\/x" is not a http:\/\/ or https:\/\/ URL/],
  ],
  file: [[`{ path: '/x', content: '', owner: 'a b' }`, /"a b" is not an owner: write user or user:group/]],
  'git-checkout': [
    [`{ repository: '/x.git', path: '/srv/x', revision: 'a..b' }`, /"a\.\.b" is not a branch, a tag or a commit/],
  ],
  group: [[`{ name: 'x', gid: -1 }`, /gid.*-1|-1.*gid/]],
  hostname: [[`{ name: 'Big_Name' }`, /"Big_Name" is not the name of a machine: use a-z, 0-9, - and dots/]],
  'hosts-entry': [[`{ address: '300.1.1.1', names: ['db'] }`, /"300\.1\.1\.1" is not .*address.*192\.0\.2\.1/]],
  'link-conditions': [
    [`{ links: [{ address: 'x', rateBits: 1e6 }] }`, /"x" is not an IPv4 address/],
    [`{ links: [{ address: '192.0.2.1' }] }`, /192\.0\.2\.1: no condition is given/],
  ],
  line: [[`{ path: '/x', line: 'a\\nb' }`, /a line is some text without an end of line/]],
  mount: [[`{ path: '/', device: 'tmpfs', type: 'tmpfs' }`, /the root is mounted by other means/]],
  'node-label': [
    [`{ node: 'node1', labels: { 'lab.x': 'y' } }`, /"lab\.x": labels that start with lab\. are lab's own/],
  ],
  script: [[`{ file: '/nowhere.sh', always: true }`, /the script \/nowhere\.sh cannot be read/]],
  service: [[`{ unit: 'x', masked: true, running: true }`, /what is masked can be neither running nor enabled/]],
  sudoers: [[`{ name: 'a.b', rules: ['x'] }`, /"a\.b" is not a name for sudo rules: use letters, digits, _ and -/]],
  'swap-off': [[`{ now: true }`, /unknown option "now"|has no options/]],
  'swarm-config': [[`{ name: 'x', content: '' }`, /x: a config has 1 byte to 1000 KiB/]],
  'swarm-departed': [[`{ keep: 'node1' }`, /"keep" must be a list/]],
  'swarm-member': [
    [`{ role: 'boss', address: 'x', managers: [], founding: {} }`, /"role" must be "manager" or "worker", not "boss"/],
  ],
  'swarm-node': [[`{ name: 'A', labels: {} }`, /"A" is not .*a-z/]],
  'swarm-secret': [[`{ name: 'x', content: '' }`, /x: a secret has 1 byte to 500 KiB/]],
  'swarm-settings': [[`{ heartbeatMs: '1s', taskHistory: 1 }`, /"heartbeatMs" must be a number, not a text/]],
  symlink: [[`{ path: 'x', target: 'y' }`, /"x" is not a path for a node: it must be absolute/]],
  sysctl: [[`{ name: 'x', settings: { 'not a key': 1 } }`, /"not a key" is not .*vm\.swappiness/]],
  timer: [[`{ name: 'x', command: 'true' }`, /timer x: it runs either by the calendar or everyMs/]],
  timezone: [[`{ zone: 'no where' }`, /"no where" is not the name of a time zone: write it like Europe\/Berlin/]],
  unit: [[`{ name: 'x', content: 'y' }`, /x: a unit file has sections, like \[Service\]/]],
  user: [[`{ name: 'x', passwordHash: 'a b' }`, /not the hash of a password; make one with mkpasswd/]],
  wait: [[`{ port: 99999 }`, /99999 is not a port.*65535/]],
  'zfs-dataset': [[`{ name: 'pool' }`, /"pool" is not a dataset: write pool\/name/]],
}

interface Factory {
  readonly kind: string
  readonly name: string
  readonly file: string
  readonly make: (options: unknown, how?: unknown) => unknown
}

const STEPS = new URL('../../src/steps/', import.meta.url)
const factories: readonly Factory[] = await Promise.all(
  readdirSync(STEPS).map(async (name) => {
    const exports = (await import(new URL(name, STEPS).href)) as Readonly<Record<string, unknown>>
    return Object.entries(exports).flatMap(([exported, value]) => {
      if (typeof value !== 'function' || !('kind' in value)) return []
      const make = value as unknown as Factory['make']
      return [{ kind: String(value.kind), name: exported, file: name.replace(/\.ts$/, ''), make }]
    })
  }),
).then((found) => found.flat())

/** Of another shape than every option can have. */
const ODD: Readonly<Record<string, unknown>> = { function: () => 1, number: 1, flag: true, text: 'x' }

test('every kind of step is in the table, and in that of shapes', () => {
  const kinds = factories.map(({ kind }) => kind).sort()
  expect(Object.keys(WRONG).sort()).toEqual(kinds)
  expect(Object.keys(shapes).sort()).toEqual(kinds)
})

describe.each(factories)('$kind', ({ kind, make }) => {
  const options = Object.entries((shapes as Record<string, Record<string, { is: string[] }>>)[kind] ?? {})

  test('an unknown option is told with those there are, or the one that was meant', () => {
    expect(() => make({ xyzzy: 1 })).toThrow(
      new RegExp(`^${kind}: unknown option "xyzzy"; known: ${options[0]?.[0] ?? ''}`),
    )
    const [name = ''] = options[0] ?? []
    if (name.length > 3) expect(() => make({ [`${name}x`]: 1 })).toThrow(`did you mean "${name}"?`)
  })

  test.each(options)('option %s of another shape is told with what it must be', (name, { is }) => {
    const [word, odd] = Object.entries(ODD).find(([shape]) => !is.includes(shape)) ?? []
    if (is.length === 0 || is.includes('any')) return
    expect(word).toBeDefined()
    expect(() => make({ [name]: odd })).toThrow(new RegExp(`^${kind}: .*"${name}" must be `))
  })
})

describe('in a playbook', () => {
  let directory: string
  let plays: readonly Play[]
  const cases = factories.flatMap(({ kind, name, file }) =>
    (WRONG[kind] ?? []).map(([options, message]) => ({ kind, name, file, options, message })),
  )
  beforeAll(async () => {
    execFileSync('node', ['build.mjs'], { cwd: new URL('../..', import.meta.url).pathname })
    directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-wrong-')))
    const imports = factories.map(({ name, file }) => `import { ${name} } from 'lab/steps/${file}'`)
    const text = cases.map(
      ({ name, options }) => `  { name: 'x', hosts: 'all', steps: () => [${name}(${options} as never)] },`,
    )
    writeFileSync(
      join(directory, 'wrong.ts'),
      [
        `import { playbook } from 'lab'`,
        ...imports,
        `export default playbook({ name: 'Wrong', plays: [`,
        ...text,
        '] })',
        '',
      ].join('\n'),
    )
    const state = openStateDirectory(join(directory, '.lab'))
    const loaded = await loadPlaybook(join(directory, 'wrong.ts'), findProduct(), state)
    plays = typeof loaded.plays === 'function' ? loaded.plays({} as Site) : loaded.plays
  }, 120_000)
  afterAll(async () => {
    await rm(directory, { recursive: true })
  })

  test.each(cases.map((each, index) => [each.kind, each.options, { ...each, index }] as const))(
    '%s(%s) is refused with its line and what is allowed',
    (_kind, _options, { kind, message, index }) => {
      const steps = plays[index]?.steps
      let error: unknown
      try {
        if (typeof steps === 'function')
          steps({ name: 'node1', roles: [], memoryBytes: undefined, cpus: undefined, vars: {} })
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(LabError)
      expect(error).toMatchObject({ code: 'WRONG_OPTION', exitCode: 64 })
      const { message: said, where } = error as LabError
      expect(said).toMatch(message)
      expect(said.startsWith(`${kind}: `)).toBe(true)
      expect(where).toMatch(new RegExp(`wrong\\.ts:${String(factories.length + 3 + index)}$`))
    },
  )
})
