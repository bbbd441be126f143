import { createHash } from 'node:crypto'
import type { FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** What is mounted at a path, and what /etc/fstab says of it. */
export interface MountState {
  /** The topmost of what is mounted there; undefined where nothing is. */
  readonly mounted: Mounted | undefined
  /** Lines of /etc/fstab about that path. Options may be secret, so of a line that differs there is only its number. */
  readonly fstab: { readonly equal: readonly number[]; readonly others: readonly number[] }
}

/** A live mount. */
export interface Mounted {
  /** `ext4`, `tmpfs`, ... */
  readonly type: string
  /** As the kernel tells it: `/dev/vda1`, `tmpfs`, ... */
  readonly source: string
  /** Options of this mount point and of its filesystem. */
  readonly options: ReadonlySet<string>
  /** It is the device, or the directory, that is wanted there. */
  readonly isWanted: boolean
}

/** Blanks in a field of /etc/fstab and of the kernel's own list. */
export function escapeField(text: string): string {
  return text.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replaceAll('\t', '\\011')
}

/**
 * State of a mount point. `device` is compared with what is there by what it is, not how it is called; `line` is the
 * wanted line of /etc/fstab, or empty when there should be none.
 */
export function mountState(path: string, device: string, line: string): FactQuery<MountState> {
  const digest = createHash('sha256').update(`${device}\n${line}`).digest('hex').slice(0, 16)
  return {
    key: `mount:${path}:${digest}`,
    script: `export LC_ALL=C
path=${quote(escapeField(path))} device=${quote(device)} fstab=/etc/fstab
mounted=$(MOUNT=$path awk '$5 == ENVIRON["MOUNT"]' /proc/self/mountinfo | tail -n 1)
printf '%s\\n' "$mounted"
echo ${SECTION}
wanted=
case $device in *=*) wanted=$(findfs "$device" 2>/dev/null) ;; /*) wanted=$device ;; esac
if [ -n "$wanted" ] && [ -d "$wanted" ]; then
  # A directory that is mounted elsewhere is the same directory there.
  [ "$(stat -c %d:%i -- "$wanted")" != "$(stat -c %d:%i -- ${quote(path)} 2>/dev/null)" ] || echo same
elif [ -b "$wanted" ]; then
  numbers=$(stat -Lc '%Hr:%Lr' -- "$wanted" 2>/dev/null)
  source=\${mounted##* - }; source=\${source#* }; source=\${source%% *}
  if [ "$(readlink -f -- "$wanted")" = "$(readlink -f -- "$source")" ]; then echo same
  else case $mounted in *" \${numbers:-none} "*) echo same ;; esac; fi
fi
echo ${SECTION}
[ -r "$fstab" ] || exit 0
${line === '' ? '' : `printf '%s\\n' ${quote(line)} | grep -anxF -f - -- "$fstab" | cut -d: -f1`}
echo ${SECTION}
MOUNT=$path awk '$1 !~ /^#/ && $2 == ENVIRON["MOUNT"] { print NR }' "$fstab"`,
    parse({ status, stdout, stderr }) {
      if (status !== 0) throw new Error(`looking at ${path} ended with ${String(status)}: ${stderr.trim()}`)
      const [[live] = [], [same] = [], equal = [], all = []] = sections(stdout)
      return {
        mounted: live === undefined ? undefined : mounted(live, device, same === 'same'),
        fstab: { equal: equal.map(Number), others: all.filter((number) => !equal.includes(number)).map(Number) },
      }
    },
  }
}

/** A line of /proc/self/mountinfo. */
function mounted(line: string, device: string, same: boolean): Mounted {
  const [before = '', after = ''] = line.split(' - ')
  const options = before.split(' ')[5] ?? ''
  const [type = '', source = '', ofFilesystem = ''] = after.split(' ')
  return {
    type,
    source,
    options: new Set([...options.split(','), ...ofFilesystem.split(',')]),
    isWanted: same || source === escapeField(device),
  }
}
