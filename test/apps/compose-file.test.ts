import { expect, test } from 'vitest'
import { parseComposeFile } from '../../src/apps/compose-file.ts'
import { InvalidFileError } from '../../src/model/errors.ts'

const parse = (text: string) => parseComposeFile({ path: '/app/compose.yml', shown: 'compose.yml', text })

test('an alias of nothing is a mistake with a line, beside what else is wrong', () => {
  expect(() => parse('services:\n  a: *b\n  c: *d\n')).toThrow(InvalidFileError)
  expect(() => parse('services:\n  a: *b\n  c: *d\n')).toThrow(/compose.yml:2:6: nothing above is called &b\n.*3:6.*&d/)
})

test('anchors and merges are read', () => {
  const { value } = parse('x-a: &a { image: i }\nservices:\n  one: *a\n  two: { <<: *a, init: true }\n')
  expect(value).toMatchObject({ services: { one: { image: 'i' }, two: { image: 'i', init: true } } })
})
