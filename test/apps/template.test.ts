import { expect, test } from 'vitest'
import { InvalidFileError, UsageError } from '../../src/model/errors.ts'
import { applySettings, parseParams } from '../../src/apps/params.ts'
import { renderTemplate, templateLines } from '../../src/apps/template.ts'

const defaults = { replicas: 1, memory: '64M', debug: false }

test('what is set takes the type of the default', () => {
  expect(applySettings(defaults, {}, { replicas: '2', memory: '256', debug: 'true' })).toEqual({
    replicas: 2,
    memory: '256',
    debug: true,
  })
})

test("lab.yml's vars come before the defaults, the command line before both", () => {
  expect(applySettings(defaults, { replicas: 3, rack: 'a' }, {})).toMatchObject({ replicas: 3, rack: 'a' })
  expect(applySettings(defaults, { replicas: 3 }, { replicas: '4' })).toMatchObject({ replicas: 4 })
})

test('an unknown parameter is a usage error that names the near one', () => {
  const set = () => applySettings(defaults, {}, { replcas: '2' })
  expect(set).toThrow(UsageError)
  expect(set).toThrow(expect.objectContaining({ exitCode: 64, hint: 'did you mean "replicas"?' }) as Error)
})

test.each([
  ['replicas', 'many', 'a number'],
  ['debug', 'yes', 'true or false'],
])('%s cannot be "%s"', (name, value, wanted) => {
  expect(() => applySettings(defaults, {}, { [name]: value })).toThrow(wanted)
})

test('params.yml must be names and defaults', () => {
  expect(parseParams('params.yml', '')).toEqual({})
  expect(() => parseParams('params.yml', '- a\n')).toThrow(InvalidFileError)
})

test('a name without a value is a problem at its place in the template', () => {
  const render = () => renderTemplate('compose.yml.hbs', 'services:\n  web:\n    image: {{imge}}\n', {})
  expect(render).toThrow(InvalidFileError)
  expect(render).toThrow(/^compose\.yml\.hbs:3:\d+: "imge" has no value/)
})

test('values go in as they are, and quoted where asked', () => {
  expect(renderTemplate('t', 'a: {{a}}\nb: {{json a}}\n', { a: '<"&>' })).toBe('a: <"&>\nb: "<\\"&>"\n')
})

test('lines of the rendered text lead back to those of the template', () => {
  const template = 'services:\n{{#each names}}\n  {{this}}:\n    image: x\n{{/each}}\nvolumes:\n'
  const rendered = renderTemplate('t', template, { names: ['a', 'b'] })
  expect(rendered.split('\n').slice(0, 6)).toEqual([
    'services:',
    '  a:',
    '    image: x',
    '  b:',
    '    image: x',
    'volumes:',
  ])
  expect(templateLines(template, rendered).slice(0, 6)).toEqual([1, 3, 4, 3, 4, 6])
})
