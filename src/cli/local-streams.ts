import type { LocalStreams } from '../workflows/attach.ts'
import type { Io } from './io.ts'

/** The streams of this process for a command on a node; with the terminal when input and output both are one. */
export function localStreams({ stdin, stdout, stderr, env }: Io): LocalStreams {
  if (!stdin.isTTY || !stdout.isTTY) return { stdin, stdout, stderr }
  return {
    stdin,
    stdout,
    stderr,
    terminal: {
      size: () => ({ columns: stdout.columns, rows: stdout.rows, term: env['TERM'] ?? 'xterm' }),
      onResize: (changed) => {
        stdout.on('resize', changed)
        return () => stdout.off('resize', changed)
      },
      setRaw: (raw) => stdin.setRawMode(raw),
    },
  }
}
