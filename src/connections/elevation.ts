import { quote } from '../shell/quote.ts'

/** How commands on a connection become root's: through sudo. */
export interface Elevation {
  /** What sudo asks for; absent where it asks nothing. Travels on standard input only. */
  readonly password?: string | undefined
}

/** A command's text as root's, and what has to be written to its standard input first. */
export interface ElevatedText {
  readonly text: string
  readonly preface: string
}

/** Ends what is meant for sudo on standard input: the rest is the command's. */
const MARK = 'lab: the rest is for the command'

// sudo asks nothing where its rules say so, whatever lab was told: then the password is still to be read, and is not the
// command's. It is read byte by byte, so that the command finds all of what follows.
const SKIP = `while IFS= read -r line && [ "$line" != '${MARK}' ]; do :; done; `

/** Pure: a line of POSIX shell for the user's shell, so that `text` runs as root, in root's home, with root's PATH. */
export function elevate(text: string, elevation: Elevation | undefined): ElevatedText {
  if (elevation === undefined) return { text, preface: '' }
  const { password } = elevation
  const atHome = `cd; ${text}`
  if (password === undefined) return { text: `exec sudo -n -H -- sh -c ${quote(atHome)}`, preface: '' }
  // What sudo remembers is not counted on: whether it asks would depend on when it was asked last.
  return {
    text: `exec sudo -k -S -p '' -H -- sh -c ${quote(SKIP + atHome)}`,
    preface: `${password}\n${MARK}\n`,
  }
}

/** What a terminal prints when its echo is off and the password may come. */
export const READY = '\u0001'

/**
 * Pure: the same for a command on a terminal of the node. With a password the terminal says {@link READY} once it echoes
 * nothing, twice: then the lines of `preface` are to be typed, one each; the third time it is the command's.
 */
export function elevateOnTerminal(text: string | undefined, elevation: Elevation): ElevatedText {
  const command = text ?? 'exec "${SHELL:-/bin/sh}" -l'
  const atHome = `cd; ${command}`
  const { password } = elevation
  if (password === undefined) return { text: `exec sudo -n -H -- sh -c ${quote(atHome)}`, preface: '' }
  // What sudo was sent besides the password it throws away when it changes the terminal: the mark is typed after that.
  const script = `stty -echo icrnl; printf '${OCTAL_READY}'; ${SKIP}stty echo; printf '${OCTAL_READY}'; ${atHome}`
  return {
    text: `stty -echo; printf '${OCTAL_READY}'; exec sudo -k -S -p '' -H -- sh -c ${quote(script)}`,
    preface: `${password}\n${MARK}\n`,
  }
}

const OCTAL_READY = '\\001'

/** The command that connects its standard input and output to a Unix socket that only root may open. */
export function dialSocket(path: string): string {
  return `exec docker -H ${quote(`unix://${path}`)} system dial-stdio`
}
