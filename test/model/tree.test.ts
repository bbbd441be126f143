import { expect, test } from 'vitest'
import { diffTrees, type TreeEntry } from '../../src/model/tree.ts'
import { readListing } from '../../src/volumes/listing.ts'

const file = (content: string, more: Partial<TreeEntry> = {}): TreeEntry => {
  return { type: 'f', mode: '644', owner: '0:0', time: '1.5', content, ...more }
}
const directory = file('', { type: 'd', mode: '755' })

test('two trees differ by path and aspect; what is in a directory that one alone has is not told', () => {
  const ours = new Map([
    ['.', directory],
    ['./same', file('a')],
    ['./changed', file('a', { mode: '600' })],
    ['./new', directory],
    ['./new/file', file('a')],
    ['./touched', file('a', { time: '2' })],
  ])
  const theirs = new Map([
    ['.', file('', { type: 'd', mode: '755', time: '9' })],
    ['./same', file('a')],
    ['./changed', file('b')],
    ['./gone', file('a')],
    ['./touched', file('a')],
  ])
  expect(diffTrees(ours, theirs)).toEqual([
    { path: 'changed', differs: ['content', 'mode'] },
    { path: 'gone', only: 'theirs' },
    { path: 'new', only: 'ours' },
    { path: 'touched', differs: ['time'] },
  ])
  expect(diffTrees(theirs, theirs)).toEqual([])
})

test('a listing is read whole or not at all, and a name may hold anything but a zero byte', () => {
  const sum = 'f'.repeat(64)
  const fields = ['d 755 0:0 1.5', '.', '', 'f 644 1:2 -3', './end\n', '', 'l 777 0:0 1', './l', 'end']
  const text = [...fields, 'end', `${sum}  ./end\n`, ''].join('\0')
  expect([...readListing(Buffer.from(text))]).toEqual([
    ['.', { type: 'd', mode: '755', owner: '0:0', time: '1.5', content: '' }],
    ['./end\n', { type: 'f', mode: '644', owner: '1:2', time: '-3', content: sum }],
    ['./l', { type: 'l', mode: '777', owner: '0:0', time: '1', content: 'end' }],
  ])
  expect(() => readListing(Buffer.from(fields.join('\0')))).toThrow(/whole/)
})
