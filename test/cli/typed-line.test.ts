import { expect, it } from 'vitest'
import { typedLine } from '../../src/cli/typed-line.ts'
import { hide } from '../../src/model/hidden-values.ts'

it('what was typed can be typed again: words are quoted where a shell would change them', () => {
  expect(typedLine(['volume', 'schedule', 'db', '--pre', 'touch /x', '--lab', ''])).toBe(
    "lab volume schedule db --pre 'touch /x' --lab ''",
  )
})

it('leaves out an option with its value, however it was written', () => {
  const argv = ['run', 'x.ts', '--limit', 'web', '--var', 'v=2', '--limit=db', '--check']
  expect(typedLine(argv, '--limit')).toBe('lab run x.ts --var v=2 --check')
})

it('strikes out a secret, also one that has to be quoted', () => {
  hide("typed'line'secret")
  expect(typedLine(['run', 'x.ts', '--var', "token=typed'line'secret"])).toBe("lab run x.ts --var 'token=***'")
})
