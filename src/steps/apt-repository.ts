import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pathState, type PathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkName, NODE_PATHS } from '../model/names.ts'
import type { Change } from '../model/step.ts'
import { hasCredentials } from '../model/url-credentials.ts'

/** Where apt gets packages from, or no longer. */
export type AptRepositoryOptions = AptRepositoryPresent | AptRepositoryAbsent

/** A repository of Debian packages, in the deb822 form of sources.list(5). */
export interface AptRepositoryPresent {
  /** Names its files in /etc/apt. */
  readonly name: string
  /** `https://download.example/debian`, `file:///srv/packages`, ... without a password: that is for auth.conf(5). */
  readonly uris: readonly string[]
  /** `trixie`, `stable`, or a path that ends in `/` for a repository without components. */
  readonly suites: readonly string[]
  /** @default ['main'], or none for a path */
  readonly components?: readonly string[]
  /** @default those of the node */
  readonly architectures?: readonly string[]
  /** @default ['deb'] */
  readonly types?: readonly ('deb' | 'deb-src')[]
  /** The public key its packages are signed with and no others: armored text, or its bytes. */
  readonly key?: string | Uint8Array
  /** The same, in a file of this machine. */
  readonly keyFile?: string | URL
  /** Its packages are taken without any signature: for a directory of the node itself. @default false */
  readonly trusted?: boolean
  readonly absent?: false
}

/** No such repository. Packages that came from it stay. */
export interface AptRepositoryAbsent {
  readonly name: string
  readonly absent: true
}

/** Longest the lists of one repository may take to come. */
const TIMEOUT_MS = 600_000

const WRITE = `set -eu
umask 022
mkdir -p -- "\${1%/*}"
rm -f -- "$1.lab-new"
cat >"$1.lab-new"
chmod 0644 -- "$1.lab-new"
mv -fT -- "$1.lab-new" "$1"`

// Only this repository's lists are fetched, and any error counts. The note says for which source and key that was done.
const REFRESH = `set -eu
sources=$1 note=$2 digest=$3
apt-get -q -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any -o Dir::Etc::sourcelist="$sources" \\
  -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 update
mkdir -p -- "\${note%/*}"
printf %s "$digest" >"$note.lab-new"
mv -fT -- "$note.lab-new" "$note"`

/**
 * A repository of Debian packages with the key it is signed with. Its lists are fetched when it is new or has changed,
 * and only its own; a repository that cannot be reached, or whose signature is not by that key, is an error.
 * @example
 * file({ path: '/srv/packages/Packages', content: '' })
 * aptRepository({ name: 'own', uris: ['file:///srv/packages'], suites: ['./'], trusted: true })
 * @example aptRepository({ name: 'own', absent: true })
 */
export const aptRepository = defineStep({
  kind: 'apt-repository',
  title: ({ name, absent }: AptRepositoryOptions) => `${absent === true ? 'no ' : ''}package repository ${name}`,
  validate(wanted) {
    checkName('repository', wanted.name)
    if (wanted.absent === true) return
    const { name, uris, suites, components = [], architectures = [] } = wanted
    if (uris.length === 0 || suites.length === 0)
      throw new UsageError(`repository ${name}: it has no uris, or no suites`)
    if (uris.some((uri) => hasCredentials(uri) || holdsHidden(uri))) {
      throw new UsageError(`repository ${name}: a password or a token belongs in a file of /etc/apt/auth.conf.d`)
    }
    for (const word of [...uris, ...suites, ...components, ...architectures]) {
      if (!/^[\x21-\x7e]+$/.test(word)) throw new UsageError(`repository ${name}: "${word}" is not one word`)
    }
    if (
      [wanted.key, wanted.keyFile, wanted.trusted === true ? '' : undefined].filter((way) => way !== undefined).length >
      1
    ) {
      throw new UsageError(`repository ${name}: either key or keyFile or trusted`)
    }
    keyOf(wanted)
  },
  facts: ({ name }) => ({
    armored: pathState(`/etc/apt/keyrings/${name}.asc`),
    binary: pathState(`/etc/apt/keyrings/${name}.gpg`),
    sources: pathState(sourcesOf(name)),
    note: pathState(noteOf(name)),
  }),
  diff(wanted, { armored, binary, sources, note }) {
    const key = keyOf(wanted)
    const present = { '.asc': armored, '.gpg': binary }
    const changes = Object.entries(present).flatMap(([ending, state]): Change[] => {
      const content = key?.ending === ending ? key.content : undefined
      return difference(`key (${ending})`, state, content)
    })
    if (wanted.absent === true) {
      const noted = note.type === 'absent' ? [] : [{ path: 'lists', from: 'noted as fetched', to: undefined }]
      return [...difference('source', sources, undefined), ...changes, ...noted]
    }
    changes.push(...difference('source', sources, sourceText(wanted)))
    const fetched = note.digest === sha256(stateOf(wanted))
    return fetched ? changes : [...changes, { path: 'lists', from: 'not fetched', to: 'fetched' }]
  },
  apply(wanted, changes, observed) {
    const { name } = wanted
    const stale = [observed.armored, observed.binary].flatMap(({ type }, index) => {
      const ending = index === 0 ? '.asc' : '.gpg'
      return type === 'absent' || keyOf(wanted)?.ending === ending ? [] : [`/etc/apt/keyrings/${name}${ending}`]
    })
    if (wanted.absent === true) {
      return [{ argv: ['rm', '-f', '--', sourcesOf(name), ...stale, noteOf(name)] }]
    }
    const key = keyOf(wanted)
    const write = (path: string, stdin: string | Uint8Array) => ({ argv: ['sh', '-c', WRITE, 'write', path], stdin })
    const refresh = ['sh', '-c', REFRESH, 'refresh', sourcesOf(name), noteOf(name), stateOf(wanted)]
    return [
      ...(key === undefined ? [] : [write(key.path, key.content)]),
      ...(changes.some(({ path }) => path === 'source') ? [write(sourcesOf(name), sourceText(wanted))] : []),
      { argv: refresh, unit: 'lab-apt', timeoutMs: TIMEOUT_MS },
      ...(stale.length === 0 ? [] : [{ argv: ['rm', '-f', '--', ...stale] }]),
    ]
  },
  files: ({ name }) => [sourcesOf(name)],
  preview: (wanted) => ({
    path: sourcesOf(wanted.name),
    content: wanted.absent === true ? '' : sourceText(wanted),
  }),
})

function difference(path: string, state: PathState, content: string | Uint8Array | undefined): Change[] {
  if (content === undefined) return state.type === 'absent' ? [] : [{ path, from: state.type, to: undefined }]
  // What apt reads as a user of its own must be readable to all.
  if (state.type === 'file' && state.digest === sha256(content) && state.mode === 0o644) return []
  return [
    { path, from: state.type === 'absent' ? undefined : 'otherwise', to: `sha256:${sha256(content).slice(0, 12)}` },
  ]
}

function sourceText(wanted: AptRepositoryPresent): string {
  const { types = ['deb'], uris, suites, architectures } = wanted
  const isPath = suites.some((suite) => suite.endsWith('/'))
  const components = wanted.components ?? (isPath ? [] : ['main'])
  const key = keyOf(wanted)
  const fields: Record<string, readonly string[]> = {
    Types: types,
    URIs: uris,
    Suites: suites,
    Components: components,
    Architectures: architectures ?? [],
    'Signed-By': key === undefined ? [] : [key.path],
    Trusted: wanted.trusted === true ? ['yes'] : [],
  }
  return Object.entries(fields)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name}: ${values.join(' ')}\n`)
    .join('')
}

interface Key {
  readonly ending: '.asc' | '.gpg'
  readonly path: string
  readonly content: string | Uint8Array
}

function keyOf(wanted: AptRepositoryOptions): Key | undefined {
  if (wanted.absent === true) return undefined
  const content = wanted.key ?? (wanted.keyFile === undefined ? undefined : read(wanted.keyFile))
  if (content === undefined) return undefined
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1')
  if (text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    return { ending: '.asc', path: `/etc/apt/keyrings/${wanted.name}.asc`, content }
  }
  // The first byte of a binary key says that it is one packet of OpenPGP.
  if (typeof content !== 'string' && ((content[0] ?? 0) & 0x80) !== 0) {
    return { ending: '.gpg', path: `/etc/apt/keyrings/${wanted.name}.gpg`, content }
  }
  throw new UsageError(`repository ${wanted.name}: that is not a public key of OpenPGP, armored or in bytes`)
}

function read(file: string | URL): Uint8Array {
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  try {
    return readFileSync(path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`the key of a repository cannot be read: ${why}`, { cause: error })
  }
}

/** What the lists were fetched for: the source and the key, in one word. */
function stateOf(wanted: AptRepositoryPresent): string {
  const key = keyOf(wanted)?.content ?? ''
  return createHash('sha256').update(sourceText(wanted)).update('\0').update(key).digest('hex')
}

function sourcesOf(name: string): string {
  return `/etc/apt/sources.list.d/${name}.sources`
}

function noteOf(name: string): string {
  return `${NODE_PATHS.state}/apt/${name}`
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
