import { execa } from 'execa'
import { LabError } from '../../model/errors.ts'
import type { Progress } from '../../model/provider.ts'

/** The oldest Vagrant that the Vagrantfile is for. */
const OLDEST = [2, 3] as const
/** How much of what Vagrant said is shown when it fails: its errors stand at the end. */
const LAST_LINES = 12

/** How a command of Vagrant is run. */
export interface VagrantOptions {
  readonly signal?: AbortSignal | undefined
  /** Told each line as it is printed. */
  readonly progress?: Progress
}

/** Runs `vagrant` for the machines of one directory. */
export interface Vagrant {
  /** Resolves with what it printed. Throws `VAGRANT` with its last words when it fails, `NO_VAGRANT` when there is none. */
  run(argv: readonly string[], options?: VagrantOptions): Promise<string>
}

/** Vagrant in `directory`: it asks nobody for newer versions of itself or of boxes, and nothing on a terminal. */
export function openVagrant(directory: string): Vagrant {
  return {
    run: async (argv, { signal, progress } = {}) => {
      const process = execa('vagrant', argv, {
        cwd: directory,
        env: { VAGRANT_CWD: directory, VAGRANT_CHECKPOINT_DISABLE: '1', VAGRANT_BOX_UPDATE_CHECK_DISABLE: '1' },
        all: true,
        stdin: 'ignore',
        ...(signal === undefined ? {} : { cancelSignal: signal }),
      })
      try {
        if (progress !== undefined) for await (const line of process.iterable({ from: 'all' })) progress(line)
        return (await process).stdout
      } catch (error) {
        signal?.throwIfAborted()
        if ((error as { code?: string }).code === 'ENOENT') throw noVagrant('is not installed', error)
        const said = (error as { all?: string }).all ?? (error as Error).message
        throw new LabError('VAGRANT', `vagrant ${argv.join(' ')} failed: ${lastWords(said)}`, {
          where: directory,
          hint: `mend what Vagrant says, then run the same command again (by hand: vagrant ${argv.join(' ')})`,
          cause: error,
        })
      }
    },
  }
}

/** Checks that there is a Vagrant, and that it is not older than what the Vagrantfile needs. Throws `NO_VAGRANT`. */
export async function checkVagrant(vagrant: Vagrant): Promise<string> {
  const said = await vagrant.run(['--version'])
  const version = vagrantVersion(said)
  if (version === undefined) throw noVagrant(`does not tell its version: ${said}`)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) throw noVagrant(`${version} is too old`)
  return version
}

/** Pure: the version in what `vagrant --version` prints. */
export function vagrantVersion(said: string): string | undefined {
  return /^Vagrant (\d+(?:\.\d+)+)/m.exec(said)?.[1]
}

function noVagrant(why: string, cause?: unknown): LabError {
  return new LabError('NO_VAGRANT', `Vagrant ${why}; this lab is made of its machines`, {
    where: 'vagrant',
    hint: `install Vagrant ${OLDEST.join('.')} or newer (Debian 12, Ubuntu 24.04: apt-get install vagrant; macOS: brew install vagrant), or take provider: docker`,
    cause,
  })
}

/** The end of what it said, without the frame that errors of several machines come in. */
function lastWords(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-LAST_LINES).join('\n')
}
