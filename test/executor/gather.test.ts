import { execaSync } from 'execa'
import { expect, test } from 'vitest'
import { ask as askNode, questionnaire } from '../../src/executor/gather.ts'
import { familyQuery, FactUnavailable, type FactFamily, type FactOutput, type FactQuery } from '../../src/model/step.ts'

function raw(key: string, script: string): FactQuery<FactOutput> {
  return { key, script, parse: (output) => output }
}

const local = {
  script: (text: string) => {
    const { stdout, stderr, exitCode } = execaSync('sh', { input: text, stripFinalNewline: false, reject: false })
    return Promise.resolve({ stdout, stderr, status: exitCode ?? -1 })
  },
}

function ask(queries: readonly FactQuery<unknown>[]) {
  return askNode(local, questionnaire(queries))
}

test('output, error and status of each query are kept apart', async () => {
  const answers = await ask([
    raw('both', 'echo out; echo err >&2; exit 3'),
    raw('no newline', 'printf "a\\nb"'),
    raw('silent', ':'),
    raw('quotes', `echo "it's" '"$HOME"'`),
  ])
  expect(answers.get('both')).toEqual({ value: { stdout: 'out\n', stderr: 'err\n', status: 3 } })
  expect(answers.get('no newline')).toEqual({ value: { stdout: 'a\nb', stderr: '', status: 0 } })
  expect(answers.get('silent')).toEqual({ value: { stdout: '', stderr: '', status: 0 } })
  expect(answers.get('quotes')).toEqual({ value: { stdout: `it's "$HOME"\n`, stderr: '', status: 0 } })
})

test('a script that exits, kills its shell, reads stdin or is no shell at all harms no other', async () => {
  const answers = await ask([
    raw('exit', 'exit 7'),
    raw('kill', 'kill -KILL $(exec sh -c "echo \\$PPID")'),
    raw('syntax', 'if then ( "'),
    raw('stdin', 'cat'),
    raw('last', 'echo still here'),
  ])
  expect(answers.get('exit')).toMatchObject({ value: { status: 7 } })
  expect(answers.get('kill')).toMatchObject({ value: { status: 137 } })
  expect((answers.get('syntax') as { value: FactOutput }).value.status).not.toBe(0)
  expect(answers.get('stdin')).toEqual({ value: { stdout: '', stderr: '', status: 0 } })
  expect(answers.get('last')).toEqual({ value: { stdout: 'still here\n', stderr: '', status: 0 } })
})

test('queries with one key are asked once, and members of a family by one script', async () => {
  const family: FactFamily<string> = {
    name: 'echo',
    script: (args) => `echo ${args.join(' ')}`,
    parse: ({ stdout }, args) => new Map(args.map((arg) => [arg, stdout.trim()])),
  }
  const queries = [
    familyQuery(family, 'a'),
    raw('once', 'echo once'),
    familyQuery(family, 'b'),
    raw('once', 'echo twice'),
  ]
  expect(questionnaire(queries).parts).toHaveLength(2)
  const answers = await ask(queries)
  expect(answers.get('echo:a')).toEqual({ value: 'a b' })
  expect(answers.get('echo:b')).toEqual({ value: 'a b' })
  expect(answers.get('once')).toMatchObject({ value: { stdout: 'once\n' } })
})

test('a node that cannot tell is an answer; an output cut off half-way, or not understood, is a broken one', async () => {
  const unable: FactQuery<never> = {
    key: 'unable',
    script: ':',
    parse: () => {
      throw new FactUnavailable('no engine')
    },
  }
  expect((await ask([unable])).get('unable')).toEqual({ unavailable: 'no engine' })
  const dying = { script: () => local.script('exit 1') }
  const answers = await askNode(dying, questionnaire([raw('one', 'echo 1')]))
  expect(answers.get('one')).toMatchObject({ broken: expect.stringContaining('did not run to its end') as string })
  const odd: FactQuery<never> = {
    key: 'odd',
    script: 'echo {',
    parse: ({ stdout }) => JSON.parse(stdout) as never,
  }
  expect((await ask([odd])).get('odd')).toMatchObject({ broken: expect.stringContaining('JSON') as string })
})
