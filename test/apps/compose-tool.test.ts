import { expect, test } from 'vitest'
import { envFile, explain } from '../../src/apps/compose-tool.ts'
import { composeFile } from './compose.ts'

const file = composeFile(`services:
  web:
    image: nginx:\${TAG:?say which}
    ports: [{ a: 1 }]
    depends_on: [db]
`)

test.each([
  ['services.web.ports.0 Additional property a is not allowed', 4],
  ['service "web" depends on undefined service db: invalid compose project', 5],
  ['error while interpolating services.web.image: required variable TAG is missing a value: say which', 3],
  ['something nobody has seen before', 1],
])('what the tool says is shown where the user can mend it: %s', (said, line) => {
  expect(explain(said, [file], '/var/lib/lab/apps/a/src')).toMatchObject({ file: 'compose.yml', line })
})

test('paths of the build node are not shown', () => {
  expect(explain('open /srv/src/x.env: no such file', [file], '/srv/src').message).toBe('open x.env: no such file')
})

test('values are written so that nothing in them means anything', () => {
  expect(envFile({ A: 'a"b\\c$d\ne' })).toBe('A="a\\"b\\\\c\\$d\\ne"\n')
})
