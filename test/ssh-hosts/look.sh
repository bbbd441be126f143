# What a host is like: prints it, one thing a line.
find / /var/lib -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/backups -o -path /run \) -prune -o \( -type f -o -type l -o -type d \) -printf '%y %m %u:%g %p %l\n' | grep -v -e ' /var/lib/dpkg/.*-old ' -e ' /etc/.*- $'
find / /var/lib -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/backups -o -path /run \) -prune -o -type f -print0 | grep -zv -e '^/var/lib/dpkg/.*-old$' -e '^/etc/.*-$' | xargs -0 sha256sum
sha256sum /etc/hosts /etc/resolv.conf /etc/hostname
dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Abbrev}\n'
apt-mark showmanual | sed 's/^/manual /'
systemctl list-unit-files --plain --no-legend | sed 's/^/unit /'
systemctl list-units --state=active --plain --no-legend --type=service,socket,timer,path,target,mount | awk '{print "active " $1}' | grep -v -e run-user -e user@ -e user-runtime -e session-
getent passwd | sed 's/^/user /'; getent group | sed 's/^/group /'
awk '$4=="0A" {print "listen " $2}' /proc/net/tcp /proc/net/tcp6
awk '{print "mount " $2 " " $3}' /proc/self/mounts | grep -v /run/user
for tables in iptables ip6tables; do
  # Their order matters: each with its number in its chain. Chains that let everything pass are like none.
  command -v $tables-save >/dev/null && $tables-save | awk -v of="$tables" '/^\*/ { table = $1 }
    /^[:-]/ && $2 != "ACCEPT" { sub(/ \[[0-9:]+\]$/, ""); print "rule " of, table, $1 == "-A" ? ++count[table, $2] : 0, $0 }'
done
command -v nft >/dev/null && nft -s list table inet own 2>/dev/null | sed 's/^/rule nft /'
ls /run /sys/class/net | grep -vx -e motd.dynamic | sed 's/^/entry /'
for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/forwarding; do echo "sysctl $f $(cat $f)"; done
hostname
