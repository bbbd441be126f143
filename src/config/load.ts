import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { LabError, UsageError } from '../model/errors.ts'
import type { LabIdentity, LabSpec } from '../model/lab-spec.ts'
import { defaultLabName, labIdentity, STATE_DIRECTORY } from './identity.ts'
import { keptSpec } from './kept-spec.ts'
import { compiledBuild } from './product.ts'

/** Name of the file that describes a lab. */
const LAB_FILE = 'lab.yml'

/** A lab as its file describes it. */
export interface LoadedLab {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  /** Absolute path of the file. */
  readonly file: string
  /** Keeps what the file says for the commands that follow. To be called when this one has ended: it may make the lab. */
  readonly keep: () => Promise<void>
}

/**
 * Finds `lab.yml` in `cwd` or the nearest directory above, reads and checks it.
 * Throws `UsageError` when there is none or no `cwd`, `InvalidFileError` with every problem in it.
 */
export async function loadLab(cwd: string): Promise<LoadedLab> {
  const start = await realpath(cwd).catch((error: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw new UsageError(`there is no directory ${cwd}`, { cause: error })
  })
  const directory = await findLab(start)
  if (directory === undefined)
    throw new UsageError(
      `no ${LAB_FILE} in ${cwd} or any directory above it`,
      { hint: `go to the directory of your lab, or make an empty ${LAB_FILE}: it describes the classic lab` },
      'NO_LAB_FILE',
    )
  const file = join(directory, LAB_FILE)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new LabError('UNREADABLE', `cannot read the file: ${(error as Error).message}`, { where: file, cause: error })
  })
  const shown = relative(start, file)
  const read = async () => {
    const { parseLab } = await import('./parse.ts')
    return parseLab(text, { file: shown, defaultName: defaultLabName(directory), directory })
  }
  const build = compiledBuild()
  const { spec, keep } =
    build === undefined
      ? { spec: await read(), keep: () => Promise.resolve() }
      : await keptSpec(join(directory, STATE_DIRECTORY), [text, directory, build], read)
  return { lab: labIdentity(spec.name, directory), spec, file, keep }
}

/** The nearest directory with a `lab.yml`, from `start` upwards; undefined when there is none. */
async function findLab(start: string): Promise<string | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = await stat(join(directory, LAB_FILE)).then(
      (entry) => entry.isFile(),
      () => false,
    )
    if (found) return directory
    if (dirname(directory) === directory) return undefined
  }
}
