import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { run, scratchDirectory } from './command-line.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const LAB = `name: scratch
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: node, count: 3 }
groups: { web: { nodes: [node1, node2] } }
`
const PLAYBOOK = `import { playbook } from 'lab'
import { file } from 'lab/steps/file'
export default playbook({
  name: 'Greetings',
  plays: [
    { name: 'Greet', hosts: 'web', tags: ['motd'], steps: [file({ path: '/etc/motd', content: 'x' })] },
    { name: 'Then', hosts: 'all', steps: ({ name }) => [file({ path: '/srv/' + name, content: 'x' })] },
  ],
})
`

beforeAll(() => {
  // Playbooks run with the compiled lab.
  execFileSync('node', ['build.mjs'], { cwd: ROOT })
}, 60_000)

async function labDirectory(playbook = PLAYBOOK): Promise<string> {
  const directory = await scratchDirectory()
  writeFileSync(join(directory, 'lab.yml'), LAB)
  writeFileSync(join(directory, 'play.ts'), playbook)
  return directory
}

describe('lab run --list', () => {
  it('prints plays, nodes and steps with their lines, and asks nobody', async () => {
    const { exitCode, stdout } = await run(['run', 'play.ts', '--list'], await labDirectory())
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Greetings\n\nGreet {2}#motd +node1 node2\n {2}write \/etc\/motd +.*play\.ts:6\n/)
    expect(stdout).toMatch(/\nThen +mgmt node1 node2 node3\n {2}write \/srv\/mgmt +mgmt +.*play\.ts:7\n/)
  })

  it('obeys --limit, --tags and --start-at, and is a document for scripts', async () => {
    const argv = ['run', 'play.ts', '--list', '--json', '--limit', 'web', '--start-at', 'write /srv/node2']
    const { stdout } = await run(argv, await labDirectory())
    expect(JSON.parse(stdout)).toMatchObject({
      playbook: 'Greetings',
      plays: [
        {
          play: 'Then',
          nodes: ['node1', 'node2'],
          steps: [{ title: 'write /srv/node1' }, { title: 'write /srv/node2' }],
        },
      ],
    })
    expect((await run(['run', 'play.ts', '--list', '--tags', 'motd'], await labDirectory())).stdout).not.toContain(
      'Then',
    )
  })

  it('finds the lab of the playbook, or the one of --lab, from anywhere', async () => {
    const [directory, elsewhere] = [await labDirectory(), await scratchDirectory()]
    expect((await run(['run', join(directory, 'play.ts'), '--list'], elsewhere)).exitCode).toBe(0)
    writeFileSync(join(elsewhere, 'mine.ts'), PLAYBOOK)
    expect((await run(['run', 'mine.ts', '--list'], elsewhere)).stderr).toContain('no lab.yml in')
    mkdirSync(join(directory, 'below'))
    expect((await run(['run', 'mine.ts', '--list', '--lab', join(directory, 'below')], elsewhere)).exitCode).toBe(0)
  })
})

describe('wrong use of lab run is bad input:', () => {
  it.each([
    [['run', 'plai.ts', '--list'], 'there is no playbook', 'did you mean "play.ts"?'],
    [['run', 'play', '--list'], 'there is no playbook', 'did you mean "play.ts"?'],
    [['run', '.', '--list'], 'is a directory, not a playbook', 'there: play.ts'],
    [['run', 'lab.yml', '--list'], 'is not TypeScript or JavaScript', 'there: play.ts'],
    [['run', 'play.ts', '--list', '--limit', ''], 'a list that names nothing', 'leave the option out'],
    [['run', 'play.ts', '--list', '--tags', ','], 'a list that names nothing', 'leave the option out'],
    [['run', 'play.ts', '--list', '--limit', 'wep'], 'unknown node or group "wep"', 'did you mean "web"?'],
    [['run', 'play.ts', '--list', '--tags', 'modt'], 'unknown tag "modt"', 'did you mean "motd"?'],
    [['run', 'play.ts', '--list', '--start-at', 'write /etc/mot2'], 'unknown step', 'did you mean "write /etc/motd"?'],
    [['run', 'play.ts', '--list', '--var', 'a=1'], 'unknown variable "a"', 'there is no variable here'],
    [['run', 'play.ts', '--var', 'a'], '"a" is not a parameter', ''],
    [['run', 'play.ts', '--step'], '--step asks before each change, and there is no terminal', 'leave --step out'],
    [['run', 'play.ts', '--chek'], "unknown option '--chek'", '--check'],
    [['runs', 'shw'], 'unknown action "shw"', 'did you mean "show"?'],
    [['runs', 'show', 'x'], '"x" is not the number of a run', 'lab runs'],
    [['runs', 'diff', '1'], '"diff" takes the numbers of two runs', 'lab runs diff 12 14'],
    [['sh'], 'which command?', "lab sh 'uptime'"],
    [['sh', '--on', 'wep', 'true'], 'unknown node or group "wep"', 'did you mean "web"?'],
  ])('lab %j', async (argv, message, hint) => {
    const ended = await run(argv, await labDirectory())
    expect(ended).toMatchObject({ exitCode: 64, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toContain(hint)
  })

  it('an option that a step does not have, with the line of the playbook', async () => {
    const wrong = PLAYBOOK.replace("file({ path: '/etc/motd'", "file({ pth: '/etc/motd'")
    const { exitCode, stderr } = await run(['run', 'play.ts', '--list'], await labDirectory(wrong))
    expect(exitCode).toBe(64)
    expect(stderr).toMatch(/play\.ts:6: file: unknown option "pth"; did you mean "path"\?; "path" is missing/)
  })

  it('a node that nobody has, with the play it is of', async () => {
    const text = PLAYBOOK.replace("hosts: 'web'", "hosts: 'wep'")
    const { exitCode, stderr } = await run(['run', 'play.ts', '--list'], await labDirectory(text))
    expect(stderr).toMatch(/hosts of "Greet": unknown node or group "wep"\n.*did you mean "web"\?/)
    expect(exitCode).toBe(64)
  })

  it.each([
    [
      'import { file }',
      'import { fil as file }',
      /play\.ts:2: "lab\/steps\/file" has no "fil"\n.*did you mean "file"\?/,
    ],
    [
      'import { playbook }',
      'import { playbok as playbook }',
      /play\.ts:1: "lab" has no "playbok"\n.*did you mean "playbook"\?/,
    ],
  ])('a name that lab does not export: %s, %s', async (right, wrong, message) => {
    // Node's own modules say so, not those of a test.
    const cwd = await labDirectory(PLAYBOOK.replace(right, wrong))
    const argv = [join(ROOT, 'dist/src/cli/main.js'), 'run', 'play.ts', '--list']
    const { status, stderr } = spawnSync('node', argv, { cwd, encoding: 'utf8' })
    expect(stderr).toMatch(message)
    expect(status).toBe(64)
  })
})
