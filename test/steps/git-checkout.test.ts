import { expect, test } from 'vitest'
import { checkoutState, remoteRevision, type CheckoutState } from '../../src/facts/git.ts'
import { FactUnavailable } from '../../src/model/step.ts'
import { gitCheckout, type GitCheckoutOptions } from '../../src/steps/git-checkout.ts'
import { consider } from './step-case.ts'

const commit = '1'.repeat(40)
const options: GitCheckoutOptions = { repository: '/srv/app.git', path: '/opt/app', revision: 'main' }
const tree = (state: Partial<CheckoutState> = {}): CheckoutState => ({
  type: 'checkout',
  commit,
  origin: '/srv/app.git',
  unfinished: false,
  dirty: [],
  ...state,
})
const seen = (state: CheckoutState, wanted = options) =>
  consider(gitCheckout(wanted), { 'checkout /opt/app': state, 'revision main of /srv/app.git': commit })
const answer = (stdout: string, status = 0) => ({ status, stdout, stderr: 'why' })

test('a clean tree at the commit is left alone', async () => {
  expect((await seen(tree())).changes).toEqual([])
})

test('a missing tree, another commit, another repository and an unfinished checkout are each named', async () => {
  const changes = async (state: Partial<CheckoutState>) => (await seen(tree(state))).changes.map(({ path }) => path)
  expect(await changes({ type: 'absent' })).toEqual(['commit'])
  expect(await changes({ commit: '2'.repeat(40) })).toEqual(['commit'])
  expect(await changes({ origin: '/srv/other.git' })).toEqual(['repository'])
  expect(await changes({ unfinished: true, dirty: [' M half'] })).toEqual(['checkout'])
  const { commands } = await seen(tree({ type: 'absent' }))
  expect(commands[0]?.argv.slice(3)).toEqual(['git', '/srv/app.git', '/opt/app', 'main', commit, 'no'])
})

test('changes by hand are named in a plan, refused by an apply, and thrown away only when that is said', async () => {
  const dirty = tree({ dirty: [' M file', '?? new'] })
  await expect(seen(dirty)).rejects.toMatchObject({ code: 'LOCAL_CHANGES' })
  const { changes, commands } = await seen(dirty, { ...options, discard: true })
  expect(changes).toEqual([{ path: 'local changes', from: 'M file, ?? new', to: undefined }])
  expect(commands[0]?.argv.at(-1)).toBe('yes')
  await expect(seen(tree({ type: 'other' }))).rejects.toMatchObject({ code: 'FOREIGN_DIRECTORY' })
})

test('passwords, programs and options in the place of a repository or revision are refused', () => {
  expect(() => gitCheckout({ ...options, repository: 'https://me:secret@example.test/a' })).toThrow('has a password')
  expect(() => gitCheckout({ ...options, repository: 'ext::sh -c id' })).toThrow('not a repository')
  expect(() => gitCheckout({ ...options, repository: '--upload-pack=id' })).toThrow('not a repository')
  expect(() => gitCheckout({ ...options, revision: '--force' })).toThrow('not a branch')
})

test('a tag with a message means its commit; a full commit id is asked of nobody', () => {
  const [object, meant] = ['3'.repeat(40), '4'.repeat(40)]
  const lines = `${object}\trefs/tags/v1\n${meant}\trefs/tags/v1^{}\n`
  expect(remoteRevision('/srv/app.git', 'v1').parse(answer(lines))).toBe(meant)
  expect(() => remoteRevision('/srv/app.git', 'v2').parse(answer(lines))).toThrow(FactUnavailable)
  expect(() => remoteRevision('/srv/app.git', 'v1').parse(answer('', 128))).toThrow('git does not answer: why')
  expect(remoteRevision('/srv/app.git', commit)).toMatchObject({ script: ':' })
})

test('the state of a tree is read line by line', () => {
  const parse = (stdout: string, status = 0) => checkoutState('/opt/app').parse(answer(stdout, status))
  expect(parse(`checkout\n${commit}\n/srv/app.git\nfinished\n M a b\n`)).toEqual(tree({ dirty: [' M a b'] }))
  expect(parse('absent\n')).toMatchObject({ type: 'absent', dirty: [] })
  expect(() => parse('', 69)).toThrow('git is not installed')
})
