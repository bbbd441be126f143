import { UsageError } from '../../model/errors.ts'
import { nearest } from '../../model/names.ts'
import { COMPLETION_SCRIPTS, SHELLS, type Shell } from '../completion-scripts.ts'
import type { Register } from '../program.ts'

/** `lab completion`, and the hidden command its scripts ask. */
export const register: Register = (cli) => {
  cli
    .command('completion', {
      summary: 'print the completion script of a shell',
      more: 'It completes the names of nodes, services, volumes and apps as well.',
      labless: true,
      examples: ['source <(lab completion bash)', 'lab completion fish > ~/.config/fish/completions/lab.fish'],
    })
    .argument('<shell>', SHELLS.join(', '))
    .action((shell: string, options: { readonly json?: true }) => {
      if (!isShell(shell)) {
        const near = nearest(shell, SHELLS)
        throw new UsageError(`there is no completion for "${shell}"`, {
          hint: near === undefined ? `known: ${SHELLS.join(', ')}` : `did you mean "${near}"?`,
        })
      }
      const script = COMPLETION_SCRIPTS[shell]
      cli.io.out(options.json ? JSON.stringify({ shell, script }) : script.trimEnd())
    })

  cli.program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const [{ complete }, { labNames }] = await Promise.all([import('../completion.ts'), import('../lab-names.ts')])
      const found = await complete(cli.program, words, labNames(cli.io.cwd, cli.session.signal))
      for (const { word, summary } of found) cli.io.out(`${word}\t${summary}`)
    })
}

function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text)
}
