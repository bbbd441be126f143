import { expect, test } from 'vitest'
import { checkStructure } from '../../src/apps/check-structure.ts'
import { toProblems } from '../../src/apps/compose-file.ts'
import { composeFile } from './compose.ts'

function problemsOf(text: string): readonly string[] {
  const file = composeFile(text)
  const { problems } = checkStructure(file.value)
  return toProblems([file], problems).map(({ line, column, message }) => `${String(line)}:${String(column)} ${message}`)
}

test('everything Swarm cannot honour is named at its own line, all at once', () => {
  const found = problemsOf(`services:
  web:
    image: nginx
    privileged: true
    container_name: mine
    devices: ["/dev/kvm"]
  db:
    image: mongo
    network_mode: host
`)
  expect(found.map((text) => text.split(':').slice(0, 2).join(':'))).toEqual([
    '4:5 privileged',
    '5:5 container_name',
    '6:5 devices',
    '9:5 network_mode',
  ])
})

test.each([['privileged: false'], ['links: []'], ['devices: null'], ['security_opt: []'], ['network_mode: ""']])(
  'a key that asks for nothing is no problem: %s',
  (line) => {
    expect(problemsOf(`services:\n  web:\n    image: nginx\n    ${line}\n`)).toEqual([])
  },
)

test('a mistyped key is named with the near one, and the engine is not asked about the file', () => {
  const { problems, readable } = checkStructure({ services: { web: { imge: 'nginx' } } })
  expect(problems.map(({ message }) => message)).toEqual(['unknown key "imge" in service web; did you mean "image"?'])
  expect(readable).toBe(false)
})

test('a key that came by a YAML merge is shown where it stands', () => {
  expect(
    problemsOf(`x-common: &common
  privileged: true
services:
  web:
    <<: *common
    image: nginx
`)[0],
  ).toMatch(/^2:3 privileged/)
})

test('services of a profile and extension keys are not judged', () => {
  expect(
    problemsOf(`x-anything: 1
services:
  web: { image: nginx, x-mine: 2 }
  tools: { image: tools, privileged: true, profiles: [debug] }
`),
  ).toEqual([])
})

test('what makes no difference on a cluster is remarked on, not refused', () => {
  const { problems, remarks } = checkStructure({ services: { web: { build: { context: '.', cache_from: ['x'] } } } })
  expect(problems).toEqual([])
  expect(remarks.map(({ path }) => path.join('.'))).toEqual(['services.web.build.cache_from'])
})

test('a volume lab cannot make as asked is refused', () => {
  const problems = (volume: string) => problemsOf(`services: { a: { image: x } }\nvolumes:\n  data: ${volume}\n`)
  expect(problems('{ driver_opts: { o: size=1g } }')[0]).toMatch(/^3:11 driver_opts/)
  expect(problems('{ name: other }')[0]).toMatch(/^3:11 name.*external: true/)
  expect(problems('{ external: true, name: other }')).toEqual([])
  expect(problems('{ external: true, labels: { a: b } }')[0]).toMatch(/^3:27 unknown key "labels"/)
  expect(problems('{ x-lab: { limit: 2GiB } }')).toEqual([])
  expect(problems('{ x-lab: { limt: 2GiB } }')[0]).toMatch(/did you mean "limit"/)
})

test('a file without services is no app', () => {
  expect(problemsOf('volumes: { a: }\n')).toEqual(['1:1 there are no services in the file'])
})
