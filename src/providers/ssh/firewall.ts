import { ENGINE_DIAGNOSTIC_PORT } from '../../model/names.ts'
import { BEFORE } from './footprint.ts'

/** Tables that iptables makes in the kernel where nftables carries its rules. */
const TABLES = ['ip', 'ip6'].flatMap((family) => ['filter', 'nat', 'mangle', 'raw'].map((name) => `${family} ${name}`))

/** In the rule that keeps the engine's diagnostics to root. */
const DIAGNOSTICS = ` --dport ${String(ENGINE_DIAGNOSTIC_PORT)} -m owner `

/** What in a rule is of an engine or of lab. */
const OWN = [
  '(^:| )(DOCKER|LAB-EDGE|lab-partition)',
  ' (docker0|docker_gwbridge)( |$)',
  ` br-${'[0-9a-f]'.repeat(12)}( |$)`,
  DIAGNOSTICS,
]

/** Shell that notes the rules of a host's firewall, before anything of lab's adds to them. */
export const NOTE_FIREWALL = `for tables in iptables ip6tables; do
    ! command -v $tables-save >/dev/null || $tables-save >${BEFORE}/$tables 2>/dev/null || :
  done
  ! command -v nft >/dev/null || nft list tables >${BEFORE}/nft 2>/dev/null || :`

/**
 * Shell that takes the engine's rules and lab's out of a host's firewall. What stood there before stays, be it the engine's,
 * and so does what its owner added meanwhile; forwarding, which an engine forbids or lab needs, is what it was. With
 * `$engine_stays`, that engine's chain for its owner's rules stays too.
 */
export const RESTORE_FIREWALL = `for tables in iptables ip6tables; do
  command -v $tables-save >/dev/null || continue
  $tables-save 2>/dev/null >/run/lab-rules
  grep -q -e DOCKER -e LAB-EDGE -e lab-partition -e '${DIAGNOSTICS}' /run/lab-rules || continue
  noted=${BEFORE}/$tables
  [ -e "$noted" ] || noted=/dev/null
  awk -v stays="$engine_stays" '
    { sub(/ \\[[0-9]+:[0-9]+\\]$/, "") }
    /^\\*/ { table = $0 }
    FILENAME == ARGV[1] { had[table, $0]; if (/^:/) policy[table, $1] = $2; next }
    $1 == ":FORWARD" { print $1, ((table, $1) in policy) ? policy[table, $1] : "ACCEPT"; next }
    (table, $0) in had || (stays && /(^:| )DOCKER-USER / && !/LAB-EDGE/) || !/${OWN.join('|')}/
  ' "$noted" /run/lab-rules | $tables-restore -w
done
rm -f /run/lab-rules
# What is left of iptables' tables where there were none: nothing but chains that let everything pass.
if command -v nft >/dev/null; then
  for table in ${TABLES.map((name) => `'${name}'`).join(' ')}; do
    grep -qxF "table $table" ${BEFORE}/nft 2>/dev/null ||
      nft list table $table 2>/dev/null |
        grep -qv -e '^table ' -e '^[[:space:]]*chain ' -e ' policy accept;$' -e '^[[:space:]]*}$' -e '^#' -e '^$' ||
      nft delete table $table 2>/dev/null
  done
fi`
