import { NODE_PATHS } from '../../model/names.ts'

/** Where a host keeps what it was like before lab came. */
export const BEFORE = `${NODE_PATHS.etc}/before`

/** Files that the site writes or changes and that may have been there before: put back as they were. */
export const CONFIGURATION: readonly string[] = [
  '/etc/hostname',
  '/etc/docker/daemon.json',
  '/etc/docker/registry/config.yml',
  '/etc/containerd/config.toml',
  '/etc/rsyslog.conf',
  '/root/.docker/config.json',
  '/root/.ssh/authorized_keys2',
]

/** Files and directories of the site's, of the packages it needs and of what those make while they run: go, if they came with lab. */
export const LEFTOVERS: readonly string[] = [
  '/etc/apt/apt.conf.d/95lab-proxy',
  '/etc/ca-certificates',
  '/etc/ca-certificates.conf',
  '/etc/cni',
  '/etc/containerd',
  '/etc/default/docker',
  '/etc/docker',
  '/etc/docker/certs.d',
  '/etc/logrotate.d/rsyslog',
  '/etc/rsyslog.d',
  '/etc/ssl',
  '/etc/ssl/certs',
  '/etc/systemd/resolved.conf.d',
  '/etc/systemd/system-generators',
  '/etc/systemd/system/docker-registry.service.d',
  '/etc/systemd/system/docker.service.d',
  '/etc/systemd/system/rsyslog.service.d',
  '/etc/systemd/system/zfs-fuse.service.d',
  '/etc/zfs',
  '/opt/containerd',
  '/root/.docker',
  '/root/.ssh',
  '/run/adduser',
  '/run/containerd',
  '/run/docker',
  '/run/docker.sock',
  '/run/runc',
  '/run/zfs',
  '/run/zfs-fuse.pid',
  '/usr/lib/ssl/certs',
  '/usr/local/lib/lab',
  '/usr/local/share/ca-certificates',
  '/var/lib/containerd',
  '/var/lib/docker',
  '/var/lib/docker-registry',
  '/var/lib/misc/dnsmasq.leases',
  '/var/lib/systemd/timers',
  '/var/lib/systemd/timers/stamp-logrotate.timer',
  '/var/lib/zfs',
  '/var/log/lab',
  '/var/spool/rsyslog',
  NODE_PATHS.state,
]

/** What of the site stands in directories of others; removed wherever it is. */
export const OWN_FILES: readonly string[] = [
  '/etc/apt/apt.conf.d/95lab-proxy',
  '/etc/apt/preferences.d/lab',
  '/etc/apt/sources.list.d/lab.list',
  '/etc/docker/certs.d/registry.lab.local:5000',
  '/etc/rsyslog.d/lab.conf',
  '/etc/systemd/resolved.conf.d/lab.conf',
  '/etc/systemd/system-generators/lab-disks',
  '/etc/systemd/system/docker-registry.service.d/lab.conf',
  '/etc/systemd/system/docker.service.d/lab.conf',
  '/etc/systemd/system/rsyslog.service.d/lab.conf',
  '/etc/systemd/system/zfs-fuse.service.d/lab.conf',
  '/usr/local/lib/lab',
  '/usr/local/share/ca-certificates/lab.crt',
  '/usr/local/share/ca-certificates/lab-host.crt',
  '/var/log/lab',
  NODE_PATHS.state,
]
