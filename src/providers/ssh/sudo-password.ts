import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { LabError, UsageError } from '../../model/errors.ts'
import { hide, SHORTEST_HIDDEN } from '../../model/hidden-values.ts'
import type { SshHostSpec } from '../../model/ssh-host.ts'

const VARIABLE = 'LAB_SUDO_PASSWORD'

// On the terminal itself, whatever this process reads and writes: nothing of it passes through a pipe of somebody else.
const ASK = `exec 3<>/dev/tty || exit 3
saved=$(stty -g <&3)
trap 'stty "$saved" <&3' EXIT INT TERM
stty -echo <&3
printf '%s' "$1" >&3
IFS= read -r password <&3
printf '\\n' >&3
printf '%s' "$password"`

let asked: Promise<string> | undefined

/** What sudo asks for on a host: from the file, the environment or the person at the terminal, who is asked once a run. */
export async function sudoPassword(node: string, host: SshHostSpec): Promise<string> {
  const value = await find(node, host)
  if (value === '' || value.includes('\n')) {
    throw new UsageError(`the password for sudo on ${node} is empty or has several lines`, { where: node })
  }
  if (value.length >= SHORTEST_HIDDEN) hide(value)
  return value
}

async function find(node: string, { passwordFile, user }: SshHostSpec): Promise<string> {
  if (passwordFile !== undefined) {
    const text = await readFile(passwordFile, 'utf8').catch((cause: unknown) => {
      throw new UsageError(`the file with sudo's password cannot be read: ${passwordFile}`, { where: node, cause })
    })
    return text.replace(/\r?\n$/, '')
  }
  const variable = process.env[VARIABLE]
  if (variable !== undefined) return variable
  return (asked ??= ask(`Password for sudo on ${node} and its like${user === undefined ? '' : ` (${user})`}: `))
}

async function ask(prompt: string): Promise<string> {
  const { exitCode, stdout } = await execa('sh', ['-c', ASK, 'ask', prompt], {
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
  })
  if (exitCode === 0) return stdout
  throw new LabError('NO_PASSWORD', 'sudo asks for a password, and there is no terminal to ask on', {
    where: 'lab.yml',
    hint: `set ${VARIABLE}, or say passwordFile beside sudo: password`,
  })
}
