import { expect, test } from 'vitest'
import { inUnit } from '../../src/shell/transient-unit.ts'

test('what a command says with a dollar sign is not for systemd to replace', () => {
  const { argv } = inUnit({ unit: 'lab-test', argv: ['sh', '-c', 'echo "${1%/*}" $2'], env: { A: '$x' } })
  expect(argv.slice(-5)).toEqual(['env', 'A=$$x', 'sh', '-c', 'echo "$${1%/*}" $$2'])
})

test('a name that is none for a unit is refused', () => {
  expect(() => inUnit({ unit: 'Lab Test', argv: ['true'] })).toThrow('not a name for a transient unit')
})
