import { $ } from 'zx'
import { timed } from './measure.ts'
import type { Lab } from './lab.ts'
import type { NodeToNode } from './node-to-node.ts'
import { SERVED, WRITER } from './writer.ts'

/** What moving data by hand cost, in milliseconds. */
export interface CopyFigures {
  /** As `move-volume` counts it: from the end of the old container to the first sign of health of the new one. */
  readonly downtimeMs: number
  readonly totalMs: number
}

const COPY = 'bench-copy'
const TARGET = '/var/lib/bench-copy'

/**
 * What somebody without lab does: scales the service to 0, copies its data to another node by tar over ssh, and starts the
 * same image there, on the plain swarm. The service waits for the data with 0 replicas, and everything is prepared before
 * the clock starts. Afterwards the copy is gone and lab's own service runs again where it was.
 */
export async function stopCopyStart(
  lab: Lab,
  { from, to, ssh }: { readonly from: string; readonly to: string; readonly ssh: NodeToNode },
): Promise<CopyFigures> {
  const { service } = WRITER
  const manager = (script: string, ...args: readonly string[]) =>
    lab.inside(lab.manager, ['sh', '-euc', script, 'bench', ...args])
  await lab.inside(to, ['mkdir', '-p', TARGET])
  const [image = '', ...environment] = (
    await manager(
      `docker service inspect --format '{{with .Spec.TaskTemplate.ContainerSpec}}{{.Image}}{{range .Env}}
{{.}}{{end}}{{end}}' "$1"`,
      service,
    )
  ).split('\n')
  try {
    await manager(CREATE, COPY, to, TARGET, image, ...environment)
    const since = Date.now()
    const totalMs = await timed(async () => {
      await manager(SCALE, service, '0')
      await lab.inside(from, ['sh', '-c', GONE, 'gone', service])
      await copy(lab, { from, to, ssh })
      await manager(SCALE, COPY, '1')
      await manager(RUNS, COPY)
    })
    const [died, healthy] = await Promise.all([
      eventMs(lab, { node: from, service, action: 'die', since }),
      eventMs(lab, { node: to, service: COPY, action: HEALTHY, since }),
    ])
    return { downtimeMs: healthy - died, totalMs }
  } finally {
    await manager('docker service rm "$1" >/dev/null', COPY)
    await lab.inside(to, ['sh', '-c', GONE, 'gone', COPY])
    await lab.inside(to, ['rm', '-rf', TARGET])
    await manager(SCALE, service, '1')
    await manager(RUNS, service)
  }
}

/**
 * What nobody can do without: the swarm starts the same service anew where it is. Answers with the downtime, in
 * milliseconds, as above.
 */
export async function restartInPlace(lab: Lab, node: string): Promise<number> {
  const { service } = WRITER
  const manager = (script: string) => lab.inside(lab.manager, ['sh', '-euc', script, 'bench', service])
  const since = Date.now()
  await manager('docker service update --quiet --force "$1" >/dev/null')
  await manager(RUNS)
  const [died, healthy] = await Promise.all([
    eventMs(lab, { node, service, action: 'die', since }),
    eventMs(lab, { node, service, action: HEALTHY, since }),
  ])
  return healthy - died
}

const HEALTHY = 'health_status: healthy'

// The health check is the one of volume-app/compose.yml.hbs.
const CREATE = `name=$1 node=$2 target=$3 image=$4
shift 4
for pair do shift; set -- "$@" --env "$pair"; done
exec docker service create --quiet --detach --name "$name" --replicas 0 --constraint "node.hostname==$node" \\
  --mount "type=bind,source=$target,target=/data" "$@" --with-registry-auth --health-cmd 'test -e /tmp/ready' \\
  --health-interval 1s --health-start-period 300s --health-start-interval 200ms "$image" >/dev/null`
const SCALE = 'docker service scale --detach "$1=$2" >/dev/null'
const RUNS = `exec timeout 300 sh -c 'until docker service ps "$1" --filter desired-state=running \\
  --format "{{.CurrentState}}" | grep -q ^Running; do sleep 0.05; done' until "$1"`
const GONE = `exec timeout 60 sh -c 'while docker ps --quiet \\
  --filter "label=com.docker.swarm.service.name=$1" | grep -q .; do sleep 0.02; done' until "$1"`

/** From node to node, with the cipher that lab's own transfers use. */
async function copy(
  lab: Lab,
  { from, to, ssh }: { readonly from: string; readonly to: string; readonly ssh: NodeToNode },
) {
  const receive = [
    ...['ssh', '-o', 'UserKnownHostsFile=/etc/lab/transfer/known_hosts', '-o', `HostKeyAlias=${to}`],
    ...['-o', 'StrictHostKeyChecking=yes', '-c', 'aes128-gcm@openssh.com', `root@${to}`, `tar -C ${TARGET} -x`],
  ].map((word) => `'${word}'`)
  await $({
    quiet: true,
    signal: lab.signal,
    env: { ...process.env, ...ssh.env },
  })`ssh -A -F ${ssh.config} ${from} ${`tar -C ${SERVED} -c . | ${receive.join(' ')}`}`
}

/** When something first happened to a container of a service on a node: milliseconds since 1970, by the nodes' one clock. */
async function eventMs(
  lab: Lab,
  wanted: { readonly node: string; readonly service: string; readonly action: string; readonly since: number },
): Promise<number> {
  const { node, service, action, since } = wanted
  const text = await lab.inside(node, [
    ...['docker', 'events', '--since', String(since / 1000), '--until', String(Date.now() / 1000)],
    ...['--filter', `label=com.docker.swarm.service.name=${service}`, '--format', '{{.TimeNano}} {{.Action}}'],
  ])
  const line = text.split('\n').find((each) => each.endsWith(` ${action}`))
  if (line === undefined) throw new Error(`no "${action}" of ${service} on ${node}`)
  return Number(line.split(' ')[0]) / 1e6
}
