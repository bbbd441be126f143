/**
 * Debian packages each concern needs on a node. Playbooks assert them; the node image has them installed already, so
 * that bringing a lab up installs nothing.
 */
export const PACKAGES = {
  names: ['dnsmasq-base'],
  base: [
    'systemd',
    'systemd-sysv',
    'dbus',
    'openssh-server',
    'iproute2',
    'iptables',
    'ca-certificates',
    'procps',
    'kmod',
    'iputils-ping',
    'curl',
    'jq',
  ],
  engine: ['docker.io', 'docker-cli', 'docker-compose', 'docker-buildx'],
  overlay: ['bind9-dnsutils', 'busybox-static'],
  registry: ['docker-registry'],
  volumes: ['btrfs-progs', 'zfs-fuse', 'openssh-client'],
  logging: ['rsyslog', 'rsyslog-relp', 'logrotate'],
} as const satisfies Record<string, readonly string[]>
