import { NODE_PATHS } from '../model/names.ts'
import type { Command } from '../model/command.ts'

/** Exit status that says: the unit was at work already, it was waited for, nothing was started. */
export const WAITED = 75

const DIRECTORY = `${NODE_PATHS.run}/units`

// The unit reads and writes files, never the pipes of whoever waits for it: the waiter may go away, and a unit that
// writes to nobody would die of it. What systemd-run itself has to say goes with the unit's own messages.
const RUN = `unit=$1 seconds=$2 workdir=$3; shift 3
files=${DIRECTORY}/$unit
if systemctl is-active --quiet -- "$unit.service" || [ "$(systemctl is-active -- "$unit.service")" = activating ]; then
  echo "waited for $unit, which was at work already" >&2
  while case $(systemctl is-active -- "$unit.service") in active|activating|deactivating) ;; *) false; esac; do sleep 0.2; done
  exit ${String(WAITED)}
fi
umask 077
mkdir -p -- ${DIRECTORY}
cat >"$files.in"
: >"$files.out"
: >"$files.err"
[ -z "$seconds" ] || set -- --property=RuntimeMaxSec="$seconds" -- "$@"
[ -n "$seconds" ] || set -- -- "$@"
systemd-run --wait --collect --unit="$unit" --working-directory="$workdir" --setenv=HOME="\${HOME:-/root}" \\
  --property=EnvironmentFile=-/etc/environment --property=ExecStopPost="-/bin/rm -f -- $files.in" \\
  --property=StandardInput=file:"$files.in" --property=StandardOutput=file:"$files.out" \\
  --property=StandardError=file:"$files.err" "$@" 2>"$files.run"
status=$?
cat "$files.out"
cat "$files.err" >&2
report=$(cat "$files.run")
case $report in
  *'result: timeout'*) echo "ended by its deadline of $seconds s" >&2; status=124 ;;
  *'Finished with result'*) ;;
  *) [ "$status" = 0 ] || printf '%s\\n' "$report" >&2 ;;
esac
rm -f -- "$files.in" "$files.out" "$files.err" "$files.run"
exit "$status"`

/**
 * The command that runs another as the systemd transient unit it names and waits for it, or waits for the one that is
 * running under that name and exits {@link WAITED}. The unit outlives the waiter. It ends itself at its deadline.
 */
export function inUnit(command: Command & { readonly unit: string }): Command {
  const { unit, argv, env, cwd, timeoutMs, ...rest } = command
  if (!/^[a-z0-9][a-z0-9-]*$/.test(unit)) throw new RangeError(`"${unit}" is not a name for a transient unit`)
  const seconds = timeoutMs === undefined ? '' : String(Math.ceil(timeoutMs / 1000))
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)
  const inner = variables.length === 0 ? argv : ['env', ...variables, ...argv]
  // systemd would put values of its own in the place of ${...}; a double sign stands for the sign itself.
  const literal = inner.map((word) => word.replaceAll('$', '$$$$'))
  return {
    ...rest,
    argv: ['sh', '-c', RUN, 'unit', unit, seconds, cwd ?? '/', ...literal],
    // The unit's own deadline comes first, so that its last words are read.
    ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + 30_000 }),
  }
}
