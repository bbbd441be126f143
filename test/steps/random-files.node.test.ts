import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connection } from '../../src/model/connection.ts'
import type { Step } from '../../src/model/step.ts'
import { quote } from '../../src/shell/quote.ts'
import { block } from '../../src/steps/block.ts'
import { directory } from '../../src/steps/directory.ts'
import { absentFile, file } from '../../src/steps/file.ts'
import { hostsEntry } from '../../src/steps/hosts-entry.ts'
import { line } from '../../src/steps/line.ts'
import { symlink } from '../../src/steps/symlink.ts'
import { sysctl } from '../../src/steps/sysctl.ts'
import { user } from '../../src/steps/user.ts'
import { startNode } from '../node-fixture.ts'
import { runSteps } from './play-runner.ts'

// Any state of a node, any wish: one apply, and what is there is what was wanted, by the step's own facts and by others'.
let node: Awaited<ReturnType<typeof startNode>>
let connection: Connection
beforeAll(async () => {
  node = await startNode()
  connection = node.connection
})
afterAll(() => node.destroy())

const sh = async (script: string): Promise<string> => {
  const { status, stdout, stderr } = await connection.script(script)
  if (status !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}

/** Applies a step to a state; a plan said before whether that changes anything, and nothing is left to do. */
async function settle(state: string, step: Step): Promise<void> {
  await sh(state)
  const planned = await runSteps(node, [step], { mode: 'plan' })
  const applied = await runSteps(node, [step])
  if (applied.summary.errors[0] !== undefined) throw applied.summary.errors[0]
  expect(applied.summary.changed).toBe(planned.summary.changed)
  expect((await runSteps(node, [step], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
}

const RUNS = { numRuns: 6 }
const mode = fc.constantFrom(0o600, 0o644, 0o755, 0o4711, 0)
const owner = fc.constantFrom('root:root', 'daemon:adm', '4711:4711')
const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', "'", '$', '\\', 'é', ' '), maxLength: 12 })
const PATH = '/srv/random/thing'
const RESET = `rm -rf /srv/random; mkdir -p /srv/random/target\n`

/** Whatever can be at a path, as a script. */
const thing = fc.oneof(
  fc.constant(':'),
  fc.tuple(text, mode, owner).map(([content, bits, who]) => {
    return `printf %s ${quote(content)} >${PATH}; chown ${who} ${PATH}; chmod ${bits.toString(8)} ${PATH}`
  }),
  fc.constantFrom('target', '/nowhere', '/etc/passwd').map((target) => `ln -s ${target} ${PATH}`),
  fc.constant(`mkfifo ${PATH}`),
)

test('a file, whatever was in its place', async () => {
  const wish = fc.oneof(
    fc.record({ path: fc.constant(PATH), content: text, mode, owner }).map(file),
    fc.constant(absentFile(PATH)),
  )
  await fc.assert(
    fc.asyncProperty(thing, wish, (state, step) => settle(RESET + state, step)),
    RUNS,
  )
})

test('a directory, and a link, whatever was in their place', async () => {
  const folder = fc
    .tuple(mode, owner)
    .map(([bits, who]) => `mkdir -m ${bits.toString(8)} ${PATH}; chown ${who} ${PATH}`)
  const wanted = fc.record({ path: fc.constant(PATH), mode, owner }).map(directory)
  await fc.assert(
    fc.asyncProperty(fc.oneof(folder, fc.constant(':')), wanted, (state, step) => settle(RESET + state, step)),
    RUNS,
  )
  const target = fc.constantFrom('target', '/nowhere', "it's $odd")
  await fc.assert(
    fc.asyncProperty(thing, target, (state, to) => settle(RESET + state, symlink({ path: PATH, target: to }))),
    RUNS,
  )
})

const lines = fc.array(fc.constantFrom('a', 'b', 'a = 1', 'b = 2', '# a', '', " 'q' \\n"), { maxLength: 7 })
const written = fc.tuple(lines, fc.boolean()).map(([all, ended]) => ({
  all,
  script: `${RESET}printf %s ${quote(all.join('\n') + (ended && all.length > 0 ? '\n' : ''))} >${PATH}`,
}))
const read = async () => (await sh(`cat ${PATH}`)).split('\n')

test('a line is there as often as it should, and nothing else is lost', async () => {
  const matching = fc.option(fc.constantFrom('^a', '=', 'q'), { nil: undefined })
  const one = fc.constantFrom('a = 1', 'c', "$(id) 'x'")
  await fc.assert(
    fc.asyncProperty(written, one, matching, fc.boolean(), async ({ all, script }, wanted, expression, absent) => {
      const like = expression === undefined ? {} : { matching: expression }
      const common = { path: PATH, line: wanted, ...like }
      await settle(script, absent ? line({ ...common, absent }) : line(common))
      const now = await read()
      const isLike = (text: string) =>
        text === wanted || (expression !== undefined && new RegExp(expression).test(text))
      const count = now.filter(isLike).length
      if (absent) expect(count).toBe(0)
      else if (expression === undefined) expect(count).toBeGreaterThan(0)
      else expect(now.filter((text) => text === wanted)).toEqual([wanted])
      const others = (list: readonly string[]) => list.filter((text) => !isLike(text) && text !== '')
      expect(others(now)).toEqual(others(all))
    }),
    RUNS,
  )
})

test('a block is there as it should, and nothing outside of it is touched', async () => {
  const content = lines.map((all) => all.map((text) => `${text}\n`).join(''))
  const place = fc.nat({ max: 7 })
  const before = fc.option(content, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      written,
      place,
      before,
      fc.option(content, { nil: undefined }),
      async ({ all }, at, old, wanted) => {
        const oldBlock = old === undefined ? [] : [`# BEGIN x\n${old}# END x`]
        const start = [...all.slice(0, at), ...oldBlock, ...all.slice(at)].map((text) => `${text}\n`).join('')
        const name = { path: PATH, name: 'x' }
        const step = wanted === undefined ? block({ ...name, absent: true }) : block({ ...name, content: wanted })
        await settle(`${RESET}printf %s ${quote(start)} >${PATH}`, step)
        const [head = '', ...tail] = (await sh(`cat ${PATH}`)).split('# BEGIN x\n')
        const [inside, after = ''] = tail.length === 0 ? [undefined, ''] : (tail[0] ?? '').split('# END x\n')
        expect(inside).toBe(wanted)
        expect(head + after).toBe(all.map((text) => `${text}\n`).join(''))
      },
    ),
    RUNS,
  )
})

test('an account, whatever it was before', async () => {
  const account = fc.record({
    uid: fc.constantFrom(4100, 4101),
    shell: fc.constantFrom('/bin/sh', '/bin/bash'),
    comment: fc.constantFrom('', 'Ada L.', "it's"),
    groups: fc.subarray(['adm', 'disk', 'cdrom']),
    exclusive: fc.boolean(),
    home: fc.constantFrom('/srv/homes/ada', '/srv/homes/other'),
  })
  const before = fc.option(account, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(before, account, async (was, wanted) => {
      const made =
        was &&
        `useradd -u ${String(was.uid)} -s ${was.shell} -c ${quote(was.comment)} -G ${was.groups.join(',')} -d ${was.home} ada`
      await settle(
        `userdel ada 2>/dev/null; rm -rf /srv/homes; ${made?.replace('-G  ', '') ?? ':'}`,
        user({ name: 'ada', ...wanted }),
      )
      const groups = wanted.exclusive ? wanted.groups : [...new Set([...(was?.groups ?? []), ...wanted.groups])]
      const [entry, found = ''] = (await sh('getent passwd ada | cut -d: -f3,5-7; id -Gn ada')).split('\n')
      expect(entry).toBe([wanted.uid, wanted.comment, wanted.home, wanted.shell].join(':'))
      expect(found.split(' ').sort()).toEqual(['ada', ...groups].sort())
    }),
    RUNS,
  )
})

test('names in /etc/hosts, whatever stood there before', async () => {
  const name = fc.constantFrom('db', 'db.example', 'web')
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 })
  const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1')
  const entry = fc.tuple(address, names).map(([at, all]) => `${at} ${all.join('\t')} # by hand`)
  const wish = fc.oneof(
    fc.record({ address, names }).map(hostsEntry),
    fc.record({ names, absent: fc.constant(true as const) }).map(hostsEntry),
  )
  const state = fc
    .array(entry, { maxLength: 4 })
    .map((all) => `printf '%s\\n' '127.0.0.1 localhost' ${all.map(quote).join(' ')} >/etc/hosts`)
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, step) => {
      await settle(script, step)
      expect(await sh('cat /etc/hosts')).toContain('127.0.0.1 localhost\n')
    }),
    RUNS,
  )
})

test('a kernel setting, whatever it was', async () => {
  const value = fc.integer({ min: 4096, max: 8192 })
  await fc.assert(
    fc.asyncProperty(value, value, async (was, wanted) => {
      const step = sysctl({ name: 'random', settings: { 'net.core.somaxconn': wanted } })
      await settle(`echo ${String(was)} >/proc/sys/net/core/somaxconn`, step)
      expect(await sh('cat /proc/sys/net/core/somaxconn')).toBe(`${String(wanted)}\n`)
    }),
    RUNS,
  )
})
