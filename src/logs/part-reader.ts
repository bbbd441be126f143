import { LabError } from '../model/errors.ts'
import type { LogFiles } from './history.ts'

/** A file of one service: the one being written (age 0), or one that was put aside (1 is the newest of those). */
export interface Part {
  /** The service's name. */
  readonly name: string
  readonly age: number
  readonly inode: string
  readonly size: number
}

/** Looks at log files again and again through one process on the node. One question at a time. */
export interface PartReader {
  /** All files there are. */
  list(): Promise<readonly Part[]>
  /** What is in a file from `offset` on, and the inode of the file that was really read: names move on rotation. */
  read(part: Part, offset: number): Promise<{ readonly inode: string; readonly data: Buffer }>
}

/*
 * Answers each line on standard input, `list` or `read FILE OFFSET`, and ends each answer with a line that is a dot. No
 * line of a log file can be that. A file is opened once for its inode and its content. Files are listed from the newest
 * to the oldest of a service: one that is put aside meanwhile is met twice, but never missed.
 */
const SERVE = `
cd "$1" || exit 1
while read -r what file offset; do
  case $what in
    list)
      set --
      for file in *.log; do
        for age in '' .1 .2 .3 .4 .5 .6 .7 .8 .9; do set -- "$@" "$file$age"; done
      done
      stat -c '%i %s %n' -- "$@" 2>/dev/null
      ;;
    read) { stat -L -c %i - 2>/dev/null; tail -c "+$((offset + 1))"; } <"$file" ;;
  esac
  printf '\\n.\\n'
done
`
const END = Buffer.from('\n.\n')

/** Starts the process. It ends with the connection, or when the signal is aborted. */
export async function openPartReader({ connection, directory }: LogFiles, signal: AbortSignal): Promise<PartReader> {
  const remote = await connection.spawn({ argv: ['sh', '-c', SERVE, 'serve-logs', directory] }, { signal })
  let complaints = ''
  remote.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const chunks = remote.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>

  const ask = async (question: string): Promise<Buffer> => {
    remote.stdin.write(`${question}\n`)
    const answer: Buffer[] = []
    let end = Buffer.alloc(0)
    while (!end.equals(END)) {
      const next = await chunks.next()
      signal.throwIfAborted()
      if (next.done === true) {
        await remote.exit
        throw new LabError('LOGS', `the log files cannot be read: ${complaints.trim()}`, {
          where: `${connection.node}:${directory}`,
          hint: 'lab up',
        })
      }
      answer.push(next.value)
      end = Buffer.concat([end, next.value.subarray(-END.length)]).subarray(-END.length)
    }
    return Buffer.concat(answer).subarray(0, -END.length)
  }
  return {
    list: async () => parseParts((await ask('list')).toString()),
    read: async ({ name, age }, offset) => {
      const answer = await ask(`read ${name}.log${age === 0 ? '' : `.${String(age)}`} ${String(offset)}`)
      const first = answer.indexOf('\n')
      if (first === -1) return { inode: '', data: Buffer.alloc(0) }
      return { inode: answer.subarray(0, first).toString(), data: answer.subarray(first + 1) }
    },
  }
}

/** Pure: what `stat` says of the files. */
function parseParts(text: string): readonly Part[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+) (\d+) (.+)\.log(?:\.(\d))?$/.exec(line)
    if (match === null) return []
    const [, inode = '', size, name = '', age = '0'] = match
    return [{ name, age: Number(age), inode, size: Number(size) }]
  })
}
