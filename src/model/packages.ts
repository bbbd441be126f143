/** Systems that lab sets up, in their own words for themselves (`ID VERSION_ID` of os-release). */
export const SYSTEMS = ['debian 12', 'debian 13', 'ubuntu 22.04', 'ubuntu 24.04'] as const
export type System = (typeof SYSTEMS)[number]

/** What lab's own images are, and what a node is of which nobody says otherwise. */
const OWN: System = 'debian 13'

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

type Packages = Readonly<Record<keyof typeof PACKAGES, readonly string[]>>

/** Ubuntu's engine brings its client along, Compose has another name, and btrfs is in every kernel of theirs. */
const UBUNTU: Partial<Packages> = {
  engine: ['docker.io', 'docker-compose-v2', 'docker-buildx'],
  volumes: ['btrfs-progs', 'openssh-client'],
}

/** Where a system differs from {@link PACKAGES}. */
const DIFFERENT: Readonly<Record<System, Partial<Packages>>> = {
  'debian 12': {},
  'debian 13': {},
  'ubuntu 22.04': UBUNTU,
  'ubuntu 24.04': UBUNTU,
}

/** What a system takes from the release after it, and what that is called. */
export interface FromLater {
  readonly release: string
  readonly next: string
  readonly packages: readonly string[]
}

/**
 * The engine of Debian 12 (20.10) has no plugins for Compose and builds, and cannot do what lab asks of it. That of
 * Debian 13 needs nothing that Debian 12 does not have.
 */
const LATER: Partial<Record<System, FromLater>> = {
  'debian 12': { release: 'bookworm', next: 'trixie', packages: PACKAGES.engine },
}

/** Pure: the packages of a node's system. */
export function packagesOf(system: System = OWN): Packages {
  return { ...PACKAGES, ...DIFFERENT[system] }
}

/** Pure: what a node's system takes from its next release; undefined where it has everything itself. */
export function fromLater(system: System = OWN): FromLater | undefined {
  return LATER[system]
}

/** Pure: whether lab sets up a system, by the words of its os-release. */
export function isSystem(words: string): words is System {
  return (SYSTEMS as readonly string[]).includes(words)
}
