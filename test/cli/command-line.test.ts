import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProgramWithCommands } from '../../src/cli/command-line.ts'
import { memoryIo, run, scratchDirectory } from './command-line.ts'
import { createSession } from '../../src/cli/session.ts'

function program() {
  const { io } = memoryIo('/')
  return createProgramWithCommands(io, createSession(io, new AbortController(), [])).program
}

const COMMANDS = program()
  .commands.map((command) => command.name())
  .filter((name) => !name.startsWith('_'))

/** Commands that stand behind another word, with it: `volume list`. */
const SUBCOMMANDS = program().commands.flatMap((group) =>
  group.commands.map((command) => [group.name(), command.name()] as const),
)

it.each(COMMANDS)('%s is described alone where it is typed, by the name it is listed under', (name) => {
  const { io } = memoryIo('/')
  const { program: own } = createProgramWithCommands(io, createSession(io, new AbortController(), []), name)
  expect(own.commands.map((command) => command.name()).filter((each) => !each.startsWith('_'))).toEqual([name])
})

describe('help', () => {
  it('of lab names every command on a line of at most 80 columns', async () => {
    const { stdout, exitCode } = await run(['--help'], '/')
    expect(exitCode).toBe(0)
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b.* {2,}\\S`, 'm'))
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(stdout).not.toContain('__complete')
  })

  it('is what lab alone prints', async () => {
    expect(await run([], '/')).toEqual(await run(['--help'], '/'))
  })

  it.each(COMMANDS)('of %s has an example of it and --json', async (name) => {
    const { stdout, exitCode } = await run([name, '--help'], '/')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('--json')
    expect(stdout.split('Examples:\n')[1]).toMatch(new RegExp(`\\blab ${name}\\b`))
  })

  it.each(SUBCOMMANDS)('of %s %s has an example of it and --json', async (group, name) => {
    const { stdout, exitCode } = await run([group, name, '--help'], '/')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('--json')
    expect(stdout.split('Examples:\n')[1]).toMatch(new RegExp(`\\blab ${group} ${name}\\b`))
    expect((await run([group, '--help'], '/')).stdout).toMatch(new RegExp(`^  ${name}\\b.* {2,}\\S`, 'm'))
  })

  it('is printed by lab help too, also of a command behind another', async () => {
    expect(await run(['help'], '/')).toEqual(await run(['--help'], '/'))
    expect(await run(['help', 'up'], '/')).toEqual(await run(['up', '--help'], '/'))
    expect(await run(['help', 'volume', 'list'], '/')).toEqual(await run(['volume', 'list', '--help'], '/'))
  })

  it('has colours only where they are wanted', async () => {
    expect((await run(['up', '--help'], '/')).stdout).not.toContain('\u001b')
    expect((await run(['up', '--help'], '/', { FORCE_COLOR: '1' })).stdout).toContain('\u001b[1mExamples:')
    expect((await run(['up', '--help'], '/', { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout).not.toContain('\u001b')
  })
})

it('--version prints the version of package.json', async () => {
  const { default: file } = (await import('../../package.json', { with: { type: 'json' } })) as {
    default: { version: string }
  }
  expect(await run(['--version'], '/')).toEqual({ exitCode: 0, stdout: `${file.version}\n`, stderr: '' })
})

describe('wrong usage ends with 64, says what is wrong and changes nothing:', () => {
  it.each([
    [['uo'], "unknown command 'uo'", 'did you mean "up"?'],
    [['stauts'], "unknown command 'stauts'", 'did you mean "status"?'],
    [['help', 'stauts'], "unknown command 'stauts'", 'did you mean "status"?'],
    [['help', 'xyzzy-plugh'], "unknown command 'xyzzy-plugh'", 'lab --help'],
    [['help', 'volume', 'lst'], "unknown command 'lst'", 'did you mean "list"?'],
    [['xyzzy-plugh'], "unknown command 'xyzzy-plugh'", 'lab --help'],
    [['up', '--limt', 'node1'], "unknown option '--limt'", 'did you mean --limit?'],
    [['up', 'extra'], "too many arguments for 'up'", 'lab up --help'],
    [['run'], "missing required argument 'playbook'", 'lab run --help'],
    [['volume', 'lst'], "unknown command 'lst'", 'did you mean "list"?'],
    [['volume', 'xyzzy-plugh'], "unknown command 'xyzzy-plugh'", 'lab volume --help'],
    [['volume', 'list', '--jsn'], "unknown option '--jsn'", 'See lab volume list --help'],
    [['completion', 'bsh'], 'no completion for "bsh"', 'did you mean "bash"?'],
    [['volume', 'schedule', 'v', '--none', 'hourly=3'], '--none takes no more snapshots, and hourly=3 does', ''],
    [['volume', 'schedule', 'v', 'hourly=24=x'], '"hourly=24=x" is not a schedule', ''],
    [['volume', 'schedule', 'v', '--pre', ''], 'a hook that is no command', '--no-hooks'],
    [['volume', 'schedule', 'v', '--no-hooks', '--pre', 'x'], '--no-hooks leaves no hook', ''],
    [['volume', 'replicate', 'v', '--stop', '--auto'], '--stop ends the replica', 'lab volume replicate v --stop'],
    [['volume', 'replicate', 'v', '--stop', '--no-auto'], '--stop ends the replica', ''],
    [['volume', 'replicate', 'v', '--to', 'n', '--stop', '--every', '5s'], '--stop ends the replica', ''],
    [['volume', 'watch', '--after', '0s'], '0s is too short', '--after 5s'],
  ])('lab %j', async (argv, message, hint) => {
    const people = await run(argv, '/')
    expect(people).toMatchObject({ exitCode: 64, stdout: '' })
    expect(people.stderr).toContain(message)
    expect(people.stderr).toContain(hint)

    const scripts = await run([...argv, '--json'], '/')
    expect(scripts).toMatchObject({ exitCode: 64, stderr: '' })
    const event = JSON.parse(scripts.stdout) as { message: string; hint?: string }
    expect(event).toMatchObject({ type: 'error' })
    expect(event.message).toContain(message)
    expect(event.hint ?? '').toContain(hint)
  })

  it('a group alone', async () => {
    const { exitCode, stdout, stderr } = await run(['volume'], '/')
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' })
    expect(stderr).toMatch(/which command of volume\?[^]*list[^]*lab volume --help/)
  })

  it('a directory without a lab', async () => {
    const directory = await scratchDirectory()
    const { exitCode, stderr } = await run(['up'], directory)
    expect(exitCode).toBe(64)
    expect(stderr).toBe(
      `✗ no lab.yml in ${directory} or any directory above it\n` +
        '  → go to the directory of your lab, or make an empty lab.yml: it describes the classic lab\n',
    )
  })

  it('a lab.yml with mistakes: all of them', async () => {
    const directory = await scratchDirectory()
    await writeFile(join(directory, 'lab.yml'), 'nam: x\nprovider: dockr\nsubnet: 10.0.0.0/33\n')
    const { exitCode, stdout, stderr } = await run(['plan'], directory)
    expect(exitCode).toBe(64)
    expect(stdout).toBe('')
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      '✗ lab.yml:1:1: unknown key "nam"; did you mean "name"?',
      '  lab.yml:2:11: unknown provider "dockr"; did you mean "docker"?',
      '  lab.yml:3:9: "subnet": "10.0.0.0/33" is not an IPv4 network: write it like 10.90.0.0/24, or auto',
    ])
    const json = await run(['plan', '--json'], directory)
    expect(JSON.parse(json.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'error',
      code: 'INVALID_FILE',
      where: 'lab.yml',
    })
  })

  it('destroy where nobody can be asked', async () => {
    const directory = await scratchDirectory()
    await writeFile(join(directory, 'lab.yml'), '')
    const { exitCode, stderr } = await run(['destroy'], directory)
    expect(exitCode).toBe(64)
    expect(stderr).toContain('lab destroy --yes')
    // Its answer is for the same lab: without --lab it would be for another.
    const elsewhere = await run(['destroy', '--images', '--lab', directory], '/')
    expect(elsewhere.stderr).toContain(`lab destroy --images --lab ${directory} --yes`)
  })

  it.each([[['node', 'rm', 'nope']], [['node', 'replace', 'nope']], [['volume', 'destroy', 'v', '--copy', 'nope']]])(
    'a node that is not there, before anybody is asked about it: lab %j',
    async (argv) => {
      const directory = await scratchDirectory()
      await writeFile(join(directory, 'lab.yml'), '')
      const { exitCode, stderr } = await run(argv, directory)
      expect(exitCode).toBe(64)
      expect(stderr).toContain('unknown node "nope"')
    },
  )
})

it.each([[['volume', 'destroy', 'nope']], [['volume', 'rollback', 'nope', 's']]])(
  'no question about a volume before the lab is asked whether it is there: lab %j',
  async (argv) => {
    const directory = await scratchDirectory()
    await writeFile(join(directory, 'lab.yml'), '')
    const { exitCode, stderr } = await run(argv, directory)
    expect(exitCode).toBe(1)
    expect(stderr).not.toContain('no terminal to ask on')
  },
)
