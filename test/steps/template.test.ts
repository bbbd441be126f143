import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/model/errors.ts'
import { render, renderFile, renderPackaged } from '../../src/steps/template.ts'

test('values stand in the text as they are', () => {
  expect(render('{{#each names}}server {{this}};\n{{/each}}', { names: ['a&b', '"c"'] })).toBe(
    'server a&b;\nserver "c";\n',
  )
})

test('a value that is missing is an error that names it and the template', () => {
  expect(() => render('{{port}} {{prot}}', { port: 1 }, 'x.conf.hbs')).toThrow(UsageError)
  expect(() => render('{{port}} {{prot}}', { port: 1 }, 'x.conf.hbs')).toThrow('"prot" not defined')
  expect(() => render('{{#if}}', {})).toThrow(UsageError)
})

test('templates are found by path, and those that come with lab by their place in it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'template-'))
  await writeFile(join(directory, 'x.hbs'), 'port {{port}}')
  expect(renderFile(join(directory, 'x.hbs'), { port: 80 })).toBe('port 80')
  await rm(directory, { recursive: true })
  expect(renderPackaged('package.json', {})).toContain('"name": "lab"')
})
