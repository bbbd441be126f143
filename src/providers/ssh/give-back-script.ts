import { DISK_PATHS } from '../../model/disks.ts'
import { NODE_PATHS } from '../../model/names.ts'
import { quote, quoteAll } from '../../shell/quote.ts'
import { RESTORE_FIREWALL } from './firewall.ts'
import { BEFORE, CONFIGURATION, LEFTOVERS, OWN_FILES } from './footprint.ts'
import { RECORD } from './survey.ts'
import { refuseUsedDisks } from './used-disks.ts'
import { LOCK_OUT } from './way-in.ts'

/**
 * Pure: makes a host what it was before lab came: takes away what runs, what is mounted, the packages that came since and
 * the accounts those made, the site's files; puts back what was changed. What anybody else did meanwhile stays. Refuses
 * while somebody uses a disk of the lab's. Cut off anywhere, the same again goes on: the notes it works by go last.
 */
export function giveBackScript(lab: string, node: string): string {
  return `set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
before=${BEFORE}
if [ ! -e ${RECORD} ] && [ ! -e "$before/complete" ]; then rm -rf ${NODE_PATHS.run}; exit 0; fi
if [ -e ${RECORD} ] && ! grep -qF ${quote(`"lab": "${lab}"`)} ${RECORD}; then echo 'it is not of this lab' >&2; exit 1; fi
${refuseUsedDisks(lab, node)}
was() { grep -qxF -- "$1" "$before/present"; }

# What other units were told of lab's, or they would start them again.
rm -f /etc/systemd/system/*.service.d/lab.conf
systemctl daemon-reload

# What lab's own work left running, then the engine with all that is in it.
for unit in $(systemctl list-units --all --plain --no-legend 'lab-*' | cut -d' ' -f1); do
  case $unit in lab-give-back.service) ;; *) systemctl stop "$unit" ;; esac
done
for file in /etc/systemd/system/lab-*; do
  [ ! -e "$file" ] || systemctl disable --quiet "\${file##*/}" 2>/dev/null
  rm -f "$file"
done
engine_stays=$(grep -q '^docker.io:' "$before/packages" && echo yes)
if command -v docker >/dev/null && systemctl is-active --quiet docker; then
  docker swarm leave --force >/dev/null 2>&1
  docker ps -aq | xargs -r docker rm -f >/dev/null
  docker network prune -f >/dev/null
fi
systemctl stop docker.socket docker.service containerd.service docker-registry.service zfs-fuse.service 2>/dev/null
pkill -x containerd-shim-runc-v2 2>/dev/null

# Mounts, innermost first, and the loop devices below them.
sort -r -k2,2 /proc/self/mounts | while read -r _ point _; do
  case $point in
    ${NODE_PATHS.state}/* | ${NODE_PATHS.run}/* | /var/lib/docker/* | /run/docker/netns/*) umount -l "$(printf '%b' "$point")" ;;
  esac
done
losetup -n -O NAME,BACK-FILE 2>/dev/null | while read -r device file; do
  # Those of other labs are in sight too, where hosts share a kernel.
  case $file in ${NODE_PATHS.state}/*-${lab}-*) ;; *) continue ;; esac
  sort -r -k2,2 /proc/self/mounts | while read -r source point _; do
    case $source in "$device" | "$device"p*) umount -l "$(printf '%b' "$point")" ;; esac
  done
  losetup -d "$device"
done
rm -rf ${DISK_PATHS.devices}

# The engine's networks and rules. One that was there before makes those that it needs again, with addresses of its own.
[ -z "$engine_stays" ] || ip link delete docker0 2>/dev/null
for path in /sys/class/net/*; do
  device=\${path##*/}
  grep -qxF "$device" "$before/devices" && continue
  case $device in docker0 | docker_gwbridge | br-* | vx-* | veth* | lab*) ip link delete "$device" 2>/dev/null ;; esac
done
${RESTORE_FIREWALL}

# Names: the host's own servers, as they are now or were before.
if grep -q '^nameserver 127\\.0\\.0\\.1$' /etc/resolv.conf && [ -e ${NODE_PATHS.state}/upstream.conf ]; then
  cat ${NODE_PATHS.state}/upstream.conf >/etc/resolv.conf
fi
if [ -e /etc/systemd/resolved.conf.d/lab.conf ]; then
  rm -f /etc/systemd/resolved.conf.d/lab.conf
  systemctl restart systemd-resolved.service
fi

# Packages that came with lab, and the system accounts that their own scripts made.
dpkg --configure -a --force-confold >/dev/null
dpkg-query -W -f '\${db:Status-Abbrev}\${Package}:\${Architecture}\\n' | sed -n 's/^[hir][ci] //p' | sort >/run/lab-now
new=$(comm -13 "$before/packages" /run/lab-now | grep -v '^linux-')
rm -f /run/lab-now
if [ -n "$new" ]; then
  for package in $new; do
    name=\${package%%:*}
    cat /var/lib/dpkg/info/$name.postinst /var/lib/dpkg/info/$package.postinst 2>/dev/null
    dpkg-query -L "$package" 2>/dev/null | grep -e '/sysusers.d/' | xargs -r cat
  done >"$before/account-makers.new"
  # Once: after the purge nothing says it any more.
  [ -e "$before/account-makers" ] || mv -f "$before/account-makers.new" "$before/account-makers"
  # Nobody asks the engine's package to throw its data away: that is done here.
  apt-get -q -y -o DPkg::Lock::Timeout=300 --allow-change-held-packages purge $new >/run/lab-purge.log 2>&1 ||
    { tail -n 20 /run/lab-purge.log >&2; exit 1; }
  rm -f /run/lab-purge.log
fi
# One that was there as another's need and that lab asked for by name is again what it was.
apt-mark showmanual | sort | comm -13 "$before/manual" - | while read -r name; do
  ! grep -q "^$name:" "$before/packages" || apt-mark auto "$name" >/dev/null
done
if [ -e "$before/account-makers" ]; then
  awk -F: '$3 < 1000 { print $1 }' /etc/passwd | while read -r user; do
    grep -qxF "$user" "$before/users" && continue
    ! grep -qwF -e "$user" "$before/account-makers" || userdel "$user" 2>/dev/null
  done
  awk -F: '$3 < 1000 { print $1 }' /etc/group | while read -r group; do
    grep -qxF "$group" "$before/groups" && continue
    ! grep -qwF -e "$group" "$before/account-makers" || groupdel "$group" 2>/dev/null
  done
fi

# What apt knows of the sources that lab gave it.
if [ -e /etc/apt/sources.list.d/lab.list ]; then
  grep '^deb ' /etc/apt/sources.list.d/lab.list | while read -r _ _ uri suite _; do
    rm -f "/var/lib/apt/lists/$(printf %s "\${uri#*://}" | tr / _)_dists_\${suite}_"*
  done
fi

# Files: lab's go, changed ones are as they were.
trusted=$(ls /usr/local/share/ca-certificates/lab.crt /usr/local/share/ca-certificates/lab-host.crt 2>/dev/null)
rm -rf ${quoteAll(OWN_FILES)}
set -- ${quoteAll(CONFIGURATION.filter((path) => path !== '/etc/hostname'))}
for path do was "$path" || rm -f "$path"; done
# One by one and in place: any of them may be a mount point.
tar -tf "$before/files.tar" --absolute-names | while read -r path; do
  if [ -e "$path" ]; then tar -xOf "$before/files.tar" --absolute-names "$path" >"$path"
  else tar -xpf "$before/files.tar" -C / --absolute-names "$path"; fi
done
was /etc/hostname || rm -f /etc/hostname
if [ -n "$trusted" ] && command -v update-ca-certificates >/dev/null; then update-ca-certificates --fresh >/dev/null 2>&1; fi
set -- ${quoteAll(LEFTOVERS)}
for path do was "$path" || [ "$path" = /root/.ssh ] || rm -rf "$path"; done
if [ -n "$engine_stays" ]; then rm -rf /var/lib/docker/*; fi
if grep -q ' # lab$' /etc/hosts; then
  grep -v ' # lab$' /etc/hosts >/run/lab-hosts
  cat /run/lab-hosts >/etc/hosts
  rm -f /run/lab-hosts
fi
hostname "$(cat "$before/hostname")"
while read -r key value; do [ ! -w "/proc/sys/$key" ] || echo "$value" >"/proc/sys/$key"; done <"$before/sysctl"
systemctl daemon-reload
systemctl reset-failed
while read -r unit enabled active; do
  [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = "$enabled" ] ||
    case $enabled in
      enabled) systemctl enable --quiet "$unit" ;;
      disabled) systemctl disable --quiet "$unit" ;;
    esac
  case $unit:$active in
    network-online.target:active) ;;
    network-online.target:*) systemctl stop "$unit" ;;
    *:active) systemctl restart "$unit" ;;
  esac
done <"$before/units"

# The way in, last.
${LOCK_OUT}
was /root/.ssh || rmdir /root/.ssh 2>/dev/null
# Never half of the notes: by those, everything would be lab's.
rm -f ${RECORD} "$before/complete"
if [ -e "$before/made-etc" ]; then rm -rf ${NODE_PATHS.etc}; else rm -rf "$before"; fi
# What this unit itself was given stands there too, and is read by now.
rm -rf ${NODE_PATHS.run}
exit 0
`
}
