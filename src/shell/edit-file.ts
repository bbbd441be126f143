/**
 * Shell function `edit_file FILE COMMAND...`: what the command (or function) prints takes the place of the file's
 * content, which keeps its mode and owner. Atomic: a reader, and a run that was cut off, sees the old file or the new
 * one. A file that is a mount point cannot be replaced, so it is overwritten without ever being empty, and ends in empty
 * lines until what it is too long by is cut off. A link is followed.
 * Needs `set -e`: a command that fails leaves the file as it was.
 */
export const EDIT_FILE = `edit_file() {
  file=$(readlink -f -- "$1"); shift
  draft=\${file%/*}/.\${file##*/}.lab-new
  rm -f -- "$draft"
  trap 'rm -f -- "$draft"' EXIT
  (umask 077; : >"$draft")
  "$@" >"$draft"
  chown --reference="$file" -- "$draft"
  chmod --reference="$file" -- "$draft"
  mv -fT -- "$draft" "$file" 2>/dev/null || {
    size=$(wc -c <"$draft")
    longer=$(($(wc -c <"$file") - size))
    [ "$longer" -le 0 ] || head -c "$longer" /dev/zero | tr '\\0' '\\n' >>"$draft"
    dd if="$draft" of="$file" bs=1M conv=notrunc status=none
    truncate -s "$size" -- "$file"
    rm -f -- "$draft"
  }
}`

/**
 * Shell function `splice FILE AT GONE`: prints the file without the lines whose numbers stand in GONE (blanks between),
 * and with standard input behind line AT; 0 is before the first line, `-` nowhere.
 */
export const SPLICE = `splice() {
  awk -v at="$2" -v gone=" $3 " '
    function insert(  line) { while ((getline line < "-") > 0) print line }
    BEGIN { if (at == "0") insert() }
    index(gone, " " NR " ") == 0 { print }
    NR == at { insert() }
  ' "$1"
}`

/**
 * Shell function `place FILE SIDE ANCHOR`: prints the number of the line that something new goes behind, for `splice`.
 * SIDE is `after` (the last line that matches the expression ANCHOR), `before` (the first), or empty: at the end. Fails,
 * and says so, where no line matches.
 */
export const PLACE = `place() {
  case $2 in
    after) after=$(grep -anE -e "$3" -- "$1" | cut -d: -f1 | tail -n 1) ;;
    before) after=$(grep -anE -e "$3" -- "$1" | cut -d: -f1 | head -n 1) ;;
    *) after=$(grep -ac '' -- "$1" || true) ;;
  esac
  [ -n "$after" ] || { echo "no line of $1 matches $3" >&2; return 1; }
  [ "$2" != before ] || after=$((after - 1))
  echo "$after"
}`
