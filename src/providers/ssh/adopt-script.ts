import { NODE_PATHS } from '../../model/names.ts'
import type { MachineRequest } from '../../model/provider.ts'
import { quote, quoteAll } from '../../shell/quote.ts'
import { NOTE_FIREWALL } from './firewall.ts'
import { CONFIGURATION, LEFTOVERS, BEFORE } from './footprint.ts'
import { RECORD, type MachineRecord } from './survey.ts'
import { letIn } from './way-in.ts'

/**
 * Pure: notes what the host is like before lab touches it, then lets the lab in and gives the host its name. Cut off
 * anywhere, the same again finishes it: what is noted is noted once, and the record that makes the host a node comes last.
 */
export function adoptScript(request: MachineRequest, record: MachineRecord, user: string): string {
  return `set -eu
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
before=${BEFORE}
node=${quote(request.hostname)}
address=${quote(request.address)}

if [ ! -e "$before/complete" ]; then
  rm -rf "$before"
  [ -e ${NODE_PATHS.etc} ] || had_none=1
  mkdir -p "$before"
  chmod 0700 "$before"
  [ -z "\${had_none:-}" ] || : >"$before/made-etc"
  dpkg-query -W -f '\${db:Status-Abbrev}\${Package}:\${Architecture}\\n' | sed -n 's/^[hi]i //p' | sort >"$before/packages"
  apt-mark showmanual | sort >"$before/manual"
  cut -d: -f1 /etc/passwd | sort >"$before/users"
  cut -d: -f1 /etc/group | sort >"$before/groups"
  hostname >"$before/hostname"
  for unit in docker.service docker.socket containerd.service rsyslog.service network-online.target; do
    printf '%s %s %s\\n' "$unit" "$(systemctl is-enabled $unit 2>/dev/null || :)" "$(systemctl is-active $unit || :)"
  done >"$before/units"
  ls /sys/class/net >"$before/devices"
  for key in net/ipv4/ip_forward net/ipv4/conf/all/forwarding net/ipv4/conf/default/forwarding net/ipv6/conf/all/forwarding \\
    net/ipv4/ip_nonlocal_bind net/bridge/bridge-nf-call-iptables; do
    [ ! -r "/proc/sys/$key" ] || printf '%s %s\\n' "$key" "$(cat "/proc/sys/$key")"
  done >"$before/sysctl"
  ${NOTE_FIREWALL}
  set -- ${quoteAll(CONFIGURATION)}
  : >"$before/present"
  for path do [ ! -e "$path" ] || printf '%s\\n' "$path"; done >>"$before/present"
  tar -cpf "$before/files.tar" -C / --absolute-names --files-from="$before/present"
  set -- ${quoteAll(LEFTOVERS)}
  for path do [ ! -e "$path" ] || printf '%s\\n' "$path"; done >>"$before/present"
  : >"$before/complete"
fi

${letIn(request.authorizedKey, user)}

if [ "$(hostname)" != "$node" ]; then
  echo "$node" >/etc/hostname
  hostname "$node"
fi
# In place: the file may be a mount point. The lab's forwarder is not there yet to answer for the new name.
if ! grep -q ' # lab$' /etc/hosts; then printf '%s %s # lab\\n' "$address" "$node" >>/etc/hosts; fi

printf '%s\\n' ${quote(JSON.stringify(record, null, 2))} >${RECORD}.new
mv -f ${RECORD}.new ${RECORD}
`
}

/** Pure: only lets the lab in again. */
export function allowScript(key: string, user: string): string {
  return `set -eu
umask 022
${letIn(key, user)}
`
}
