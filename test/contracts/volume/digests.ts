import { expect, test } from 'vitest'
import { diffTrees } from '../../../src/model/tree.ts'
import { ATTRIBUTES } from './attributes.ts'
import type { DriverBench } from './bench.ts'

/** One kind of difference each; all times are made the same after each, except where the time is the difference. */
const DIFFERENCES = {
  'a name': 'mv file moved',
  'a content of the same length': 'printf b > moved',
  'a mode': 'chmod 4711 moved',
  'an owner': 'chown 7 moved',
  'a group': 'chgrp 7 moved',
  'a link that is a copy': 'rm hard; cp -p linked hard',
  'a type': 'rm pipe; touch pipe',
  'a device': 'rm device; mknod device c 1 5',
  'the target of a link': 'ln -sfn other link',
  'an empty directory': 'mkdir empty',
  'a socket that is gone': 'rm socket',
} as const
const SAME_TIMES = 'find . -exec touch -h -d @1000000000.123456789 {} +'

/** What a digest tells apart. */
export function digestCases(at: DriverBench): void {
  const { sh, live } = at
  const change = (script: string, times = SAME_TIMES) =>
    sh(at.from, `set -e; ${ATTRIBUTES}cd ${live()}; ${script}; ${times}`)
  let count = 0
  const digest = async () => {
    const name = `d${String(++count)}`
    await at.from.driver.snapshot(at.volume, name)
    return at.from.driver.digest(at.volume, name)
  }
  const makeTree = () =>
    change(`printf a > file; printf l > linked; ln linked hard; mkfifo pipe; mknod device c 1 3; ln -s target link
perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket")) or die $!'`)

  test('a digest differs for each kind of difference, and only then', async () => {
    await at.from.driver.create(at.volume)
    await makeTree()
    let last = await digest()
    expect(await digest()).toBe(last)
    expect(last).toMatch(/^[0-9a-f]{64}$/)
    for (const [kind, script] of Object.entries(DIFFERENCES)) {
      await change(script)
      const now = await digest()
      expect(now, kind).not.toBe(last)
      last = now
    }
    const time = () => sh(at.from, `stat -c %.9Y ${live()}/link`)
    const before = await time()
    await change('true', 'touch -h -d @1000000000.123456788 link')
    const kept = (await time()) !== before
    expect(kept || at.name === 'zfs', 'zfs-fuse alone is told whole seconds or so').toBe(true)
    expect((await digest()) !== last, 'a nanosecond').toBe(kept)
    await change('true', 'touch -h -d @1000000001 link')
    expect(await digest(), 'a second').not.toBe(last)
  })

  test('a digest takes a hole for the zeros it is read as', async () => {
    await at.from.driver.create(at.volume)
    await change('truncate -s 3000000 holes')
    const holes = await digest()
    await change('head -c 3000000 /dev/zero > holes')
    expect(await digest()).toBe(holes)
  })

  test('attributes and ACLs make a difference and travel, or cannot be set at all', async () => {
    await at.from.driver.create(at.volume)
    await change('touch file')
    const without = await digest()
    const [attribute, acl] = (await change('attribute file user.lab value; acl file')).split('\n')
    // zfs-fuse has neither, unless it is started with them; nothing is lost that an application was told is kept.
    if (at.name === 'btrfs') expect([attribute, acl]).toEqual(['ok', 'ok'])
    else expect([attribute, acl].filter((said) => said !== 'ok' && said !== 'Operation not supported')).toEqual([])
    const taken = await digest()
    expect(taken === without).toBe(attribute !== 'ok' && acl !== 'ok')
    await at.copy(`d${String(count)}`)
    expect(await at.to.driver.digest(at.volume, `d${String(count)}`)).toBe(taken)
    if (attribute !== 'ok') return
    await change('attribute file user.lab other')
    expect(await digest()).not.toBe(taken)
  })

  test('there is no digest nor listing of what is not there', async () => {
    await at.from.driver.create(at.volume)
    await expect(at.from.driver.digest(at.volume, 'nothing')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    await expect(at.from.driver.listing(at.volume, 'nothing')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
  })

  test('a listing tells where two trees differ, whatever their names are', async () => {
    const { driver } = at.from
    await driver.create(at.volume)
    await change(`mkdir -p dir/below gone; echo a > dir/same; echo b > "$(printf 'two\\nlines \\377')"; touch gone/file end
ln -s here link; echo c > mode; echo d > dir/below/text`)
    await driver.snapshot(at.volume, 'before')
    await change(`rm -r gone; echo B > "$(printf 'two\\nlines \\377')"; ln -sfn there link; chmod 600 mode; mkdir new
echo e > new/file; rm dir/below/text; mkdir dir/below/text`)
    await driver.snapshot(at.volume, 'after')
    const ours = await driver.listing(at.volume, 'after')
    expect(diffTrees(ours, ours)).toEqual([])
    expect(diffTrees(ours, await driver.listing(at.volume, 'before'))).toEqual([
      { path: 'dir/below/text', differs: ['type', 'content', 'mode'] },
      { path: 'gone', only: 'theirs' },
      { path: 'link', differs: ['content'] },
      { path: 'mode', differs: ['mode'] },
      { path: 'new', only: 'ours' },
      { path: 'two\nlines \ufffd', differs: ['content'] },
    ])
  })
}
