import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { block } from '../../src/steps/block.ts'
import { directory } from '../../src/steps/directory.ts'
import { absentFile, file } from '../../src/steps/file.ts'
import { line } from '../../src/steps/line.ts'
import { symlink } from '../../src/steps/symlink.ts'
import { render } from '../../src/steps/template.ts'
import { useNode } from '../node-fixture.ts'
import { mode, owner, RUNS, settle, text, thingAt } from './random-state.ts'

const node = useNode()
const { sh } = node

const PATH = '/srv/random/thing'
const RESET = `rm -rf /srv/random; mkdir -p /srv/random/target\n`

const thing = thingAt(PATH)

test('a file, whatever was in its place', async () => {
  const wish = fc.oneof(
    fc.record({ path: fc.constant(PATH), content: text, mode, owner }).map(file),
    fc.constant(absentFile(PATH)),
  )
  await fc.assert(
    fc.asyncProperty(thing, wish, (state, step) => settle(node, RESET + state, step)),
    RUNS,
  )
})

test('a directory, and a link, whatever was in their place', async () => {
  const folder = fc
    .tuple(mode, owner)
    .map(([bits, who]) => `mkdir -m ${bits.toString(8)} ${PATH}; chown ${who} ${PATH}`)
  const wanted = fc.record({ path: fc.constant(PATH), mode, owner }).map(directory)
  await fc.assert(
    fc.asyncProperty(fc.oneof(folder, fc.constant(':')), wanted, (state, step) => settle(node, RESET + state, step)),
    RUNS,
  )
  const target = fc.constantFrom('target', '/nowhere', "it's $odd")
  await fc.assert(
    fc.asyncProperty(thing, target, (state, to) => settle(node, RESET + state, symlink({ path: PATH, target: to }))),
    RUNS,
  )
})

const lines = fc.array(fc.constantFrom('a', 'b', 'a = 1', 'b = 2', '# a', '', " 'q' \\n"), { maxLength: 7 })
const written = fc.tuple(lines, fc.boolean()).map(([all, ended]) => ({
  all,
  script: `${RESET}printf %s ${quote(all.join('\n') + (ended && all.length > 0 ? '\n' : ''))} >${PATH}`,
}))
const content = async () => (await node.connection.readFile(PATH)).toString()
const read = async () => (await content()).split('\n')

test('a line is there as often as it should, and nothing else is lost', async () => {
  const matching = fc.option(fc.constantFrom('^a', '=', 'q'), { nil: undefined })
  const one = fc.constantFrom('a = 1', 'c', "$(id) 'x'")
  await fc.assert(
    fc.asyncProperty(written, one, matching, fc.boolean(), async ({ all, script }, wanted, expression, absent) => {
      const like = expression === undefined ? {} : { matching: expression }
      const common = { path: PATH, line: wanted, ...like }
      await settle(node, script, absent ? line({ ...common, absent }) : line(common))
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
  const inner = lines.map((all) => all.map((text) => `${text}\n`).join(''))
  const place = fc.nat({ max: 7 })
  const before = fc.option(inner, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(written, place, before, fc.option(inner, { nil: undefined }), async ({ all }, at, old, wanted) => {
      const oldBlock = old === undefined ? [] : [`# BEGIN x\n${old}# END x`]
      const start = [...all.slice(0, at), ...oldBlock, ...all.slice(at)].map((text) => `${text}\n`).join('')
      const name = { path: PATH, name: 'x' }
      const step = wanted === undefined ? block({ ...name, absent: true }) : block({ ...name, content: wanted })
      await settle(node, `${RESET}printf %s ${quote(start)} >${PATH}`, step)
      const [head = '', ...tail] = (await content()).split('# BEGIN x\n')
      const [inside, after = ''] = tail.length === 0 ? [undefined, ''] : (tail[0] ?? '').split('# END x\n')
      expect(inside).toBe(wanted)
      expect(head + after).toBe(all.map((text) => `${text}\n`).join(''))
    }),
    RUNS,
  )
})

test('a file from a template, whatever its values are', async () => {
  await fc.assert(
    fc.asyncProperty(thing, fc.array(text, { maxLength: 3 }), text, async (state, list, word) => {
      const wanted = render('{{word}}{{#each list}}<{{this}}>{{/each}}', { word, list })
      await settle(node, RESET + state, file({ path: PATH, content: wanted }))
      expect(await content()).toBe(word + list.map((each) => `<${each}>`).join(''))
    }),
    RUNS,
  )
})

test('a tree of one owner and mode, and nothing in it that was not said', async () => {
  const names = fc.subarray(['one', 'two', "th'ree", '-four'])
  const tree = fc
    .tuple(names, names, mode, owner)
    .map(([files, folders, bits, who]) =>
      [
        `mkdir -p ${PATH}`,
        ...files.map((name) => `echo x >${PATH}/${quote(`f${name}`)}`),
        ...folders.map((name) => `mkdir ${PATH}/${quote(`d${name}`)}; echo y >${PATH}/${quote(`d${name}`)}/file`),
        `chown -R ${who} ${PATH}; chmod ${bits.toString(8)} ${PATH}`,
      ].join('\n'),
    )
  const keep = fc.subarray(['fone', 'dtwo', "fth'ree"])
  await fc.assert(
    fc.asyncProperty(tree, owner, keep, async (state, who, kept) => {
      const recursive = { owner: who, fileMode: 0o640, directoryMode: 0o750 }
      await settle(
        node,
        RESET + state,
        directory({ path: PATH, owner: who, mode: 0o750, recursive, purge: { except: kept } }),
      )
      const found = await sh(`find ${PATH} -printf '%m %y %U:%G %P\n'`)
      const [user, group] = (await sh(`stat -c '%u %g' ${PATH}`)).split(' ')
      for (const line of found.split('\n')) {
        const [, bits, type, at, name = ''] = /^(\d+) (.) (\S+) ?(.*)$/.exec(line) ?? []
        expect(`${bits ?? ''} ${at ?? ''}`).toBe(`${type === 'd' ? '750' : '640'} ${user ?? ''}:${group ?? ''}`)
        if (name !== '') expect(kept).toContain(name.split('/')[0])
      }
    }),
    RUNS,
  )
})
