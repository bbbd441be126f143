import { quote } from '../../shell/quote.ts'
import { BEFORE } from './footprint.ts'

/** Ends the line that lets the lab in. */
const KEY_COMMENT = 'lab'
/** What was made to let the lab in, in order: `directory`, `file` or `line`, the key of a line, and the file it is about. */
const NOTES = `${BEFORE}/way-in`

/** Pure: shell that lets a key in as a user. What is added for it is noted first, for {@link LOCK_OUT}. */
export function letIn(publicKey: string, user: string): string {
  const [type = '', data = ''] = publicKey.trim().split(/\s+/)
  const owner = `-o ${quote(user)} -g "$(id -g ${quote(user)})"`
  return `home=$(getent passwd ${quote(user)} | cut -d: -f6)
[ -n "$home" ] || { echo ${quote(`no user ${user}`)} >&2; exit 1; }
keys=$home/.ssh/authorized_keys
note() { grep -qxF -- "$1" ${NOTES} 2>/dev/null || printf '%s\\n' "$1" >>${NOTES}; }
if [ ! -d "\${keys%/*}" ]; then
  note "directory - $keys"
  install -d -m 0700 ${owner} "\${keys%/*}"
fi
if [ ! -e "$keys" ]; then
  note "file - $keys"
  install -m 0600 ${owner} /dev/null "$keys"
fi
if ! grep -qF ${quote(`${type} ${data}`)} "$keys"; then
  note "line ${data} $keys"
  [ -z "$(tail -c 1 "$keys")" ] || echo >>"$keys"
  printf '%s\\n' ${quote(`${type} ${data} ${KEY_COMMENT}`)} >>"$keys"
fi`
}

/**
 * Shell that takes away the lines of every key the lab ever had here (a lost `.lab/` makes it another one), and the files
 * and directories where they were made for it. A file is exchanged whole: cut off in the middle, its owner still gets in.
 */
export const LOCK_OUT = `if [ -e ${NOTES} ]; then
  tac ${NOTES} | while read -r what key keys; do
    [ -e "$keys" ] || [ "$what" = directory ] || continue
    case $what in
      line)
        file=$(readlink -f "$keys")
        cp -p "$file" "$file.lab" && { grep -vF -- "$key" "$file" >"$file.lab" || [ $? = 1 ]; } &&
          mv -f "$file.lab" "$file" || exit 1
        ;;
      file) [ -s "$keys" ] || rm -f "$keys" ;;
      directory) rmdir "\${keys%/*}" 2>/dev/null || : ;;
    esac
  done || exit 1
fi`
