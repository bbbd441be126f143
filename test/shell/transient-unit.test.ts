import { expect, test } from 'vitest'
import { inUnit } from '../../src/shell/transient-unit.ts'

test('what looks like a variable reaches the command as it is: systemd makes one $ of two', () => {
  const { argv } = inUnit({ argv: ['sh', '-c', 'echo ${path%/*} $1', 'a$$b'], unit: 'lab-test', env: { A: '${HOME}' } })
  expect(argv.slice(7)).toEqual(['env', 'A=$${HOME}', 'sh', '-c', 'echo $${path%/*} $$1', 'a$$$$b'])
})

test('a unit has a plain name', () => {
  expect(() => inUnit({ argv: ['true'], unit: 'a b' })).toThrow('not a name for a transient unit')
})
