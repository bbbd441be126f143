import { expect, test } from 'vitest'
import { parseIgnore } from '../../src/apps/ignore.ts'

test.each<[string, string, boolean]>([
  ['node_modules', 'node_modules', true],
  ['node_modules', 'node_modules/a/b.js', true],
  ['node_modules', 'src/node_modules/a.js', false],
  ['**/node_modules', 'src/node_modules/a.js', true],
  ['**/node_modules', 'node_modules', true],
  ['*.md', 'README.md', true],
  ['*.md', 'docs/README.md', false],
  ['docs/**', 'docs/a/b', true],
  ['/a', 'a', true],
  ['./a/', 'a', true],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['[ab].txt', 'b.txt', true],
  ['# a', '# a', false],
  ['*\n!keep', 'keep', false],
  ['*\n!keep', 'keep/inside', false],
  ['*\n!keep', 'other', true],
  ['!a\na', 'a', true],
  ['a.b', 'axb', false],
])('with %j, %s is ignored: %s', (rules, path, ignored) => {
  expect(parseIgnore(rules).isIgnored(path)).toBe(ignored)
})
