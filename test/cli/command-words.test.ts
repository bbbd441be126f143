import { Command } from 'commander'
import { expect, it } from 'vitest'
import { commandWords } from '../../src/cli/command-words.ts'
import { run } from './command-line.ts'

/** What `exec` makes of a command line: its node, and the command. */
function parsed(line: string) {
  const found: unknown[] = []
  new Command()
    .argument('<service>')
    .argument('[command...]')
    .option('--node <node>')
    .passThroughOptions()
    .action((_service: string, words: readonly string[], _options: unknown, self: Command) => {
      const command = commandWords(self, words)
      found.push(self.opts()['node'], command.join(' '))
    })
    .parse(line.split(' '), { from: 'user' })
  return found
}

it.each([
  ['mongo sh -c x', undefined, 'sh -c x'],
  ['mongo -- sh -c x', undefined, 'sh -c x'],
  ['mongo --node node2 -- env', 'node2', 'env'],
  ['mongo --node node2 env --node x', 'node2', 'env --node x'],
  ['--node node2 mongo env', 'node2', 'env'],
  ['mongo -- env --node x', undefined, 'env --node x'],
  ['mongo sh -c x -- y', undefined, 'sh -c x -- y'],
  ['mongo', undefined, ''],
])('exec %s', (line, node, command) => {
  expect(parsed(line)).toEqual([node, command])
})

it.each(['exec', 'ssh'])(
  '%s refuses an option it does not know where its own may stand, and has help there',
  async (name) => {
    const ended = await run([name, 'node1', '--nod', 'x', '--', 'env'], '/')
    expect(ended).toMatchObject({ exitCode: 64, stdout: '' })
    expect(ended.stderr).toContain("unknown option '--nod'")
    expect((await run([name, 'node1', '--help'], '/')).stdout).toContain(`Usage: lab ${name}`)
  },
)
