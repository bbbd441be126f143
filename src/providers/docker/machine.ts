import { createServer } from 'node:net'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { buffer } from 'node:stream/consumers'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS, NODE_PATHS } from '../../model/names.ts'
import type { MachineRequest } from '../../model/provider.ts'
import type { Privileges } from './privileges.ts'

/** Everything of a lab that is published is published here, and nowhere else. */
export const LOOPBACK = '127.0.0.1'
/** A node that has not shut down by then is cut off. Its units have 10 s each, its engine's containers 10 s more. */
const STOP_DEADLINE_S = 25

/** The engine's API knows options that dockerode's types do not. */
export type NodeContainerOptions = Docker.ContainerCreateOptions & {
  HostConfig: Docker.HostConfig & { CgroupnsMode: 'private' }
}

/** Name of a node's container. */
export function containerName(lab: LabIdentity, node: string): string {
  return `${lab.id}-${node}`
}

/** Names of a node's volumes: what its engine holds, and what else of it must survive. */
export function volumeNames(lab: LabIdentity, node: string): { readonly docker: string; readonly state: string } {
  return { docker: `${lab.id}-${node}-docker`, state: `${lab.id}-${node}-state` }
}

/** Labels of whatever belongs to a lab. */
export function labLabels(lab: LabIdentity): Record<string, string> {
  return { [LABELS.lab]: lab.id, [LABELS.labName]: lab.name, [LABELS.directory]: lab.directory }
}

/** Labels of whatever belongs to one node. */
export function nodeLabels(lab: LabIdentity, node: string): Record<string, string> {
  return { ...labLabels(lab), [LABELS.node]: node }
}

/** Pure: the container of a node, as the engine's API wants it. */
export function containerOptions(
  lab: LabIdentity,
  request: MachineRequest,
  image: string,
  privileges: Privileges,
): NodeContainerOptions {
  const { node } = request
  const labels = nodeLabels(lab, node.name)
  const volumes = volumeNames(lab, node.name)
  const mount = (source: string, target: string): Docker.MountConfig[number] => ({
    Type: 'volume',
    Source: source,
    Target: target,
    VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } },
  })
  return {
    name: containerName(lab, node.name),
    Image: image,
    Hostname: request.hostname,
    Labels: { ...labels, [LABELS.address]: request.address, [LABELS.specDigest]: request.specDigest },
    StopTimeout: STOP_DEADLINE_S,
    ExposedPorts: { '22/tcp': {} },
    HostConfig: {
      ...privileges,
      CgroupnsMode: 'private',
      // An engine that maps users to others for its containers would leave a node without root.
      UsernsMode: 'host',
      // systemd is the node's first process, whatever the engine's own default says.
      Init: false,
      // Comes back with the engine and the host; what was stopped on purpose stays down.
      RestartPolicy: { Name: 'unless-stopped' },
      NetworkMode: lab.id,
      // SSH gets a port the engine finds free at each start.
      PortBindings: { '22/tcp': [{ HostIp: LOOPBACK, HostPort: '' }] },
      Tmpfs: {
        '/run': 'rw,exec,nosuid,nodev,mode=755',
        '/run/lock': 'rw,noexec,nosuid,nodev,mode=1777',
        '/tmp': 'rw,exec,nosuid,nodev,mode=1777',
      },
      Mounts: [mount(volumes.docker, '/var/lib/docker'), mount(volumes.state, NODE_PATHS.state)],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
      ...(node.memoryBytes === undefined ? {} : { Memory: node.memoryBytes, MemorySwap: node.memoryBytes }),
      ...(node.cpus === undefined ? {} : { NanoCpus: Math.round(node.cpus * 1e9) }),
    },
    NetworkingConfig: { EndpointsConfig: { [lab.id]: { IPAMConfig: { IPv4Address: request.address } } } },
  }
}

/** A tar of the files that let the lab in and that prove the node to it; for `/`. */
export async function accessArchive(request: MachineRequest): Promise<Buffer> {
  const archive = pack()
  const add = (name: string, mode: number, content: string) => {
    archive.entry({ name, mode, uid: 0, gid: 0 }, content.endsWith('\n') ? content : `${content}\n`)
  }
  add('etc/ssh/ssh_host_ed25519_key', 0o600, request.hostKey.privateKey)
  add('etc/ssh/ssh_host_ed25519_key.pub', 0o644, request.hostKey.publicKey)
  add('root/.ssh/authorized_keys', 0o600, request.authorizedKey)
  archive.finalize()
  return buffer(archive)
}

/** The first port, from the wished one on, that nothing listens on and that is not among `taken`. */
export async function nextFreePort(wished: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  let port = wished
  while (port < 65535 && (taken.has(port) || !(await isFree(port)))) port++
  return port
}

/** Whether nothing listens on a port of the host's loopback. */
async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    // Any other error (a privileged port, say) is for the engine to judge, which binds it in the end.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
