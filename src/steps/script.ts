import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkCondition, conditionChanges, conditionFacts, type Condition } from '../facts/satisfied.ts'
import { defineStep } from '../model/define-step.ts'
import { refuseHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { settingsOf, type RunSettings } from '../model/run-settings.ts'

/**
 * A script that is in a file of this machine, and the test that tells whether it has to run: exactly one of `unless`,
 * `creates` and `always`.
 */
export type ScriptOptions = Condition &
  RunSettings & {
    /** The script: a path from the working directory, or `new URL('setup.sh', import.meta.url)`. */
    readonly file: string | URL
    /** What it is for, as an imperative. @default `run` and the name of the file */
    readonly title?: string
    /** Its arguments; other processes of the node can read them: nothing secret. */
    readonly args?: readonly string[]
    /** What runs it. @default what its first line names after `#!`, else `sh` */
    readonly interpreter?: readonly string[]
  }

// The text comes on standard input and lies in a file while it runs, readable by root only; it is given to its
// interpreter by name, so that it may lie where nothing can be executed.
const RUN = `set -eu
words=$1; shift
draft=$(mktemp)
trap 'rm -f -- "$draft"' EXIT
cat >"$draft"
n=0
for word do
  n=$((n + 1)); shift
  set -- "$@" "$word"
  [ "$n" != "$words" ] || set -- "$@" "$draft"
done
"$@" </dev/null`

/**
 * A script of this machine, run on the node: nothing of it stays there. Its standard input is empty.
 * @example script({ file: new URL('make-keys.sh', import.meta.url), args: ['/etc/app'], creates: '/etc/app/key.pem' })
 * @throws USAGE: this machine has no such file.
 * @throws STEP_FAILED: it ended with a status other than 0, or its time was up.
 * @throws NOT_CONVERGED: it succeeded, and its test still fails.
 */
export const script = defineStep({
  kind: 'script',
  title: (wanted: ScriptOptions) => wanted.title ?? `run ${nameOf(wanted)}`,
  validate(wanted) {
    checkCondition(wanted)
    refuseHidden('"args"', wanted.args ?? [])
    refuseHidden('"env"', Object.values(wanted.env ?? {}))
    if (wanted.interpreter?.length === 0) throw new UsageError(`${nameOf(wanted)}: its interpreter is no command`)
    textOf(wanted)
  },
  facts: (wanted) => conditionFacts(wanted),
  diff: (wanted, observed) => conditionChanges(wanted, observed),
  apply(wanted) {
    const text = textOf(wanted)
    const interpreter = wanted.interpreter ?? firstLine(text)
    return [
      {
        argv: ['sh', '-c', RUN, 'script', String(interpreter.length), ...interpreter, ...(wanted.args ?? [])],
        stdin: text,
        ...settingsOf(wanted),
      },
    ]
  },
  always: (wanted) => wanted.always === true,
  after: (wanted) => wanted.after ?? [],
})

function nameOf({ file }: ScriptOptions): string {
  return basename(pathOf(file))
}

function pathOf(file: string | URL): string {
  return typeof file === 'string' ? file : fileURLToPath(file)
}

function textOf({ file }: ScriptOptions): Uint8Array {
  try {
    return readFileSync(pathOf(file))
  } catch (cause) {
    throw new UsageError(`the script ${pathOf(file)} cannot be read`, {
      hint: 'a relative path starts at the working directory; new URL(name, import.meta.url) at the playbook',
      cause,
    })
  }
}

/** `#!/usr/bin/perl -w`, as a kernel reads it: a program and at most one argument. */
function firstLine(text: Uint8Array): readonly string[] {
  const line = /^#![ \t]*(\S+)[ \t]*(.*)/.exec(Buffer.from(text.subarray(0, 256)).toString('latin1'))
  if (line?.[1] === undefined) return ['sh']
  const argument = line[2]?.trim() ?? ''
  return argument === '' ? [line[1]] : [line[1], argument]
}
