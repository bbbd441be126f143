import { formatAddress, isIpInSubnet } from '../../model/addresses.ts'
import type { Connection } from '../../model/connection.ts'
import { LabError } from '../../model/errors.ts'
import { NODE_PATHS } from '../../model/names.ts'

/** What lab wrote on a host when it took it over; its being there makes the host a node. */
export interface MachineRecord {
  readonly lab: string
  readonly labName: string
  /** Where the lab's `lab.yml` is, and on which machine: for whoever finds a host taken. */
  readonly directory: string
  readonly node: string
  readonly specDigest: string
  readonly address: string
}

/** A network a host routes. */
export interface Route {
  readonly device: string
  readonly subnet: string
  /** The host is on it itself. */
  readonly direct: boolean
}

/** What is in an engine. */
export interface EngineContent {
  /** Its part in a swarm. */
  readonly swarm: string
  readonly containers: number
  readonly images: number
  /** By name; networks without those that every engine has. */
  readonly volumes: readonly string[]
  readonly networks: readonly string[]
}

/** A host as it is, read in one go. */
export interface Survey {
  /** Undefined where no lab has the host; `unfinished` was cut off while it was being given back. */
  readonly machine: MachineRecord | undefined
  readonly hostKey: string | undefined
  /** Port of the SSH server on the host itself. */
  readonly sshPort: number
  readonly system: { readonly id: string; readonly version: string; readonly title: string }
  readonly architecture: string
  readonly addresses: readonly string[]
  readonly routes: readonly Route[]
  readonly mtus: ReadonlyMap<string, number>
  readonly isRoot: boolean
  readonly hasSystemd: boolean
  readonly hasApt: boolean
  readonly freeBytes: number
  /** Packages of engines and their tools that are installed. */
  readonly engines: readonly string[]
  /** What an engine that is there holds; `silent` where it does not say. */
  readonly engine: EngineContent | 'silent' | undefined
  /** Directories of volumes and containers, where there is no engine any more that had them. */
  readonly left: readonly string[]
  /** sshd's `PermitRootLogin`; undefined where it does not say. */
  readonly rootLogin: string | undefined
}

/** Where a host says whose it is. */
export const RECORD = `${NODE_PATHS.etc}/machine`

/** Networks that engines make themselves. */
const ENGINE_NETWORKS: readonly string[] = ['bridge', 'host', 'none', 'docker_gwbridge', 'ingress']

// Only what every Debian has: the files of the kernel and dpkg, no iproute2.
const SCRIPT = `PATH=/usr/sbin:/usr/bin:/sbin:/bin
part() { printf '\\n== %s\\n' "$1"; }
part root; id -u
part machine; cat ${RECORD} 2>/dev/null
part hostkey; cat /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null || cat /etc/ssh/ssh_host_ecdsa_key.pub 2>/dev/null ||
  cat /etc/ssh/ssh_host_rsa_key.pub 2>/dev/null
part sshd; sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null | grep -i -e '^port ' -e '^permitrootlogin '
part system; cat /etc/os-release
part architecture; uname -m
part addresses; hostname -I
part routes; cat /proc/net/route
part mtus; for d in /sys/class/net/*; do printf '%s %s\\n' "\${d##*/}" "$(cat "$d/mtu" 2>/dev/null)"; done
part systemd; [ ! -d /run/systemd/system ] || echo yes
part apt; command -v apt-get
part disk; df -Pk /var/lib | tail -n 1
part engines; dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' docker-ce containerd.io podman-docker moby-engine \\
  docker.io docker-cli docker-compose docker-buildx 2>/dev/null
if ! command -v dockerd >/dev/null; then
  part left; ls -d /var/lib/docker/volumes/*/ /var/lib/docker/containers/*/ 2>/dev/null
  exit 0
fi
part engine; timeout 10 docker info --format '{{.Swarm.LocalNodeState}} {{.Containers}} {{.Images}}' 2>/dev/null
part volumes; timeout 10 docker volume ls -q 2>/dev/null &&
part networks && timeout 10 docker network ls --format '{{.Name}}' 2>/dev/null
exit 0`

/** Asks a host everything lab wants to know before it touches anything. */
export async function surveyHost(connection: Connection): Promise<Survey> {
  const { status, stdout, stderr } = await connection.script(SCRIPT, { timeoutMs: 60_000 })
  if (status !== 0 && stdout === '') throw notRoot(connection.node, stderr)
  return parseSurvey(stdout, connection.node)
}

function notRoot(node: string, said: string): LabError {
  const asks = said.includes('password')
  return new LabError('NOT_ROOT', `the user on ${node} cannot become root: ${said.trim().split('\n').at(-1) ?? ''}`, {
    where: node,
    hint: asks
      ? 'say "sudo: password" in lab.yml if sudo asks for one (LAB_SUDO_PASSWORD, passwordFile, or you type it); if it was asked for, it was wrong'
      : 'sudo has to let this user be root: /etc/sudoers.d on that host',
  })
}

/** Pure: the answers of the script. */
export function parseSurvey(text: string, node: string): Survey {
  const parts = new Map(
    text
      .split('\n== ')
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n')
        return [part.slice(0, end), part.slice(end + 1).trim()] as const
      }),
  )
  const part = (name: string) => parts.get(name) ?? ''
  const lines = (name: string) =>
    part(name)
      .split('\n')
      .filter((line) => line.trim() !== '')
  const release = new Map(
    lines('system').map((line) => [line.split('=')[0], line.replace(/^[^=]*=/, '').replace(/^"(.*)"$/, '$1')]),
  )
  const sshd = (key: string) => new RegExp(`^${key} (\\S+)`, 'im').exec(part('sshd'))?.[1]
  return {
    machine: parseRecord(part('machine'), node),
    hostKey: part('hostkey') === '' ? undefined : part('hostkey').split(/\s+/).slice(0, 2).join(' '),
    sshPort: Number(sshd('port') ?? 22),
    system: {
      id: release.get('ID') ?? '',
      version: release.get('VERSION_ID') ?? '',
      title: release.get('PRETTY_NAME') ?? 'an unknown system',
    },
    architecture: part('architecture'),
    addresses: part('addresses')
      .split(/\s+/)
      .filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)),
    routes: lines('routes').slice(1).flatMap(parseRoute),
    mtus: new Map(lines('mtus').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])] as const)),
    isRoot: part('root') === '0',
    hasSystemd: part('systemd') === 'yes',
    hasApt: part('apt') !== '',
    freeBytes: Number(part('disk').split(/\s+/)[3] ?? 0) * 1024,
    engines: lines('engines')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0] ?? ''),
    engine: parts.has('engine') ? parseEngine(part('engine'), lines('volumes'), lines('networks')) : undefined,
    left: lines('left'),
    rootLogin: sshd('permitrootlogin'),
  }
}

function parseEngine(info: string, volumes: readonly string[], networks: readonly string[]): Survey['engine'] {
  const { swarm, containers, images } = /^(?<swarm>\w+) (?<containers>\d+) (?<images>\d+)$/.exec(info)?.groups ?? {}
  // One that does not run is said to be in no state, and to have none of anything. Networks there are always, and they are
  // asked for last: without any, something before was not answered.
  if (swarm === undefined || networks.length === 0) return 'silent'
  return {
    swarm,
    containers: Number(containers),
    images: Number(images),
    volumes,
    networks: networks.filter((name) => !ENGINE_NETWORKS.includes(name)),
  }
}

function parseRecord(text: string, node: string): MachineRecord | undefined {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as MachineRecord
  } catch (cause) {
    throw new LabError('BAD_RECORD', `${RECORD} on ${node} cannot be read`, {
      where: node,
      hint: `look at it there; without it the host is nobody's`,
      cause,
    })
  }
}

/** A line of /proc/net/route: addresses are hexadecimal, last byte first. */
function parseRoute(line: string): readonly Route[] {
  const [device = '', destination = '', gateway = '', flags = '', , , , mask = ''] = line.split(/\s+/)
  const base = address(destination)
  const bits = address(mask)
  if (base === undefined || bits === undefined || bits === 0 || (parseInt(flags, 16) & 1) === 0) return []
  const prefix = bits.toString(2).replaceAll('0', '').length
  return [{ device, subnet: `${formatAddress(base)}/${String(prefix)}`, direct: /^0+$/.test(gateway) }]
}

function address(hex: string): number | undefined {
  const bytes = /^([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{2})$/i.exec(hex)?.slice(1).reverse()
  return bytes?.reduce((sum, byte) => sum * 256 + parseInt(byte, 16), 0)
}

/** Pure: the network an address of the host is on, and what fits through it. */
export function networkOf(survey: Survey, own: string): { readonly subnet: string; readonly mtu: number } | undefined {
  const route = survey.routes.find(({ subnet, direct }) => direct && isIpInSubnet(own, subnet))
  if (route === undefined) return undefined
  return { subnet: route.subnet, mtu: survey.mtus.get(route.device) ?? 1500 }
}
