import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { Interrupted } from '../../src/cli/interrupt.ts'
import { LabError } from '../../src/model/errors.ts'
import type { RunEvent } from '../../src/model/events.ts'
import { openSession, scratchDirectory } from './command-line.ts'

async function labDirectory(): Promise<string> {
  const directory = await scratchDirectory()
  await writeFile(join(directory, 'lab.yml'), 'name: scratch\n')
  return directory
}

const eventsOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent)

describe('long work', () => {
  it('ends with its own exit code and its own last event', async () => {
    const { session, ended } = openSession(await labDirectory())
    await session.work(
      { json: true },
      {
        command: 'plan',
        run: (lab) => {
          lab.emit({ type: 'done', command: 'plan', message: 'x', durationMs: 1 })
          return Promise.resolve(2)
        },
      },
    )
    const events = eventsOf(ended(0).stdout)
    expect(session.exitCode).toBe(2)
    expect(events[0]).toMatchObject({ type: 'run-started', command: 'plan', lab: expect.stringMatching(/^scratch-/) })
    expect(events.at(-1)).toMatchObject({ type: 'done' })
  })

  it('that fails says so in its last line, with where and what to do', async () => {
    const { session, ended } = openSession(await labDirectory())
    const fail = () =>
      Promise.reject(new LabError('NO_ROOM', 'the pool is full', { where: 'node2', hint: 'lab volumes' }))
    await session.work({ json: true }, { command: 'up', run: fail })
    expect(session.exitCode).toBe(1)
    expect(eventsOf(ended(0).stdout).at(-1)).toEqual({
      type: 'error',
      code: 'NO_ROOM',
      message: 'the pool is full',
      where: 'node2',
      hint: 'lab volumes',
    })

    const people = openSession(await labDirectory())
    await people.session.work({}, { command: 'up', run: fail })
    expect(people.ended(0).stderr).toBe('✗ node2: the pool is full\n  → lab volumes\n')
  })

  it('stopped by Ctrl-C ends with 130 and how to go on', async () => {
    const { session, controller, ended } = openSession(await labDirectory(), ['scale', 'nodeapp', '3', '--json'])
    const work = session.work(
      { json: true },
      {
        command: 'scale nodeapp 3',
        run: (lab) =>
          new Promise((_resolve, reject) => {
            lab.signal.addEventListener('abort', () => {
              reject(new Error('a connection broke in the middle'))
            })
            controller.abort(new Interrupted('SIGINT'))
          }),
      },
    )
    await work
    expect(session.exitCode).toBe(130)
    expect(eventsOf(ended(0).stdout).at(-1)).toEqual({
      type: 'error',
      code: 'INTERRUPTED',
      message: 'stopped before it was done',
      hint: '"lab scale nodeapp 3 --json" again goes on from here',
    })
  })

  it.each([
    ['volume destroy V --copy N', '"lab volume destroy V --copy N" again goes on from here'],
    ['volume snapshot V --delete S', '"lab volume snapshot V --delete S" again goes on from here'],
    ['node partition a --from b', '"lab node partition a --from b" again goes on from here'],
    ['run x.ts --limit web --var v=2', '"lab run x.ts --limit web --var v=2" again goes on from here'],
    ['move-volume V N --max-pause 2s', '"lab move-volume V N --max-pause 2s" again finishes the move or undoes it'],
    ['bundle my.lab-bundle', 'no file was written; "lab bundle my.lab-bundle" starts anew'],
    [
      'chaos --for 1m --faults kill --seed 7',
      'everything is healed; "lab chaos --for 1m --faults kill --seed 7" does the same again',
    ],
  ])('stopped by Ctrl-C names what was typed, with its options: lab %s', async (line, hint) => {
    const argv = line.split(' ')
    const { io, session, controller, ended } = openSession(await labDirectory(), argv)
    controller.abort(new Interrupted('SIGINT'))
    expect(await runCommandLine(argv, io, session)).toBe(130)
    expect(ended(130).stderr).toContain(`→ ${hint}\n`)
  })

  it('of chaos without a seed names the one that was chosen', async () => {
    const { io, session, controller, ended } = openSession(await labDirectory(), ['chaos', '--for', '1m'])
    controller.abort(new Interrupted('SIGINT'))
    await runCommandLine(['chaos', '--for', '1m'], io, session)
    expect(ended(130).stderr).toMatch(/"lab chaos --for 1m --seed \d+" does the same again/)
  })

  it('is kept on record for its owner only, and never for the sake of a lab that does not exist', async () => {
    const directory = await labDirectory()
    const record = (command: string) =>
      openSession(directory).session.work({}, { command, run: () => Promise.resolve(undefined) })
    await record('deploy nodeapp')
    expect(existsSync(join(directory, '.lab'))).toBe(false)

    mkdirSync(join(directory, '.lab'), { mode: 0o700 })
    await record('deploy nodeapp')
    const [name = ''] = readdirSync(join(directory, '.lab/runs')).filter((entry) => entry.endsWith('.jsonl'))
    const file = join(directory, '.lab/runs', name)
    expect(name).toMatch(/-deploy\.jsonl$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(eventsOf(readFileSync(file, 'utf8'))[0]).toMatchObject({ type: 'run-started', command: 'deploy nodeapp' })
  })
})

describe('a question', () => {
  it('is answered with one document of JSON, or with text', async () => {
    const ask = () => Promise.resolve({ answer: 42 })
    const json = openSession(await labDirectory())
    await json.session.query({ json: true }, ask, () => [])
    expect(json.ended(json.session.exitCode)).toEqual({ exitCode: 0, stdout: '{"answer":42}\n', stderr: '' })

    const text = openSession(await labDirectory())
    await text.session.query({}, ask, ({ answer }) => [`it is ${String(answer)}`])
    expect(text.ended(0).stdout).toBe('it is 42\n')
  })

  it('that cannot be answered is a failure like any other', async () => {
    const { session, ended } = openSession(await labDirectory())
    await session.query(
      { json: true },
      () => Promise.reject(new Error('no')),
      () => [],
    )
    expect(session.exitCode).toBe(1)
    expect(JSON.parse(ended(0).stdout)).toMatchObject({ type: 'error', code: 'UNEXPECTED', message: 'no' })
  })

  it('stopped by Ctrl-C ends with 130 and without words', async () => {
    const { session, controller, ended } = openSession(await labDirectory())
    await session.direct({}, () => {
      controller.abort(new Interrupted('SIGINT'))
      return Promise.reject(new Error('aborted'))
    })
    expect(ended(session.exitCode)).toEqual({ exitCode: 130, stdout: '', stderr: '' })
  })
})
