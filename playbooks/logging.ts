/*
 * Every line a container writes goes: engine -> /run/lab/log.sock of its node, held open by systemd -> the node's
 * rsyslog -> its disk queue -> RELP -> the rsyslog of the logs node -> one file a service.
 *
 * File:  /var/log/lab/<service>.log, older parts <service>.log.1 (newest) to .log.3, each about 32 MiB. Lines of what
 *        is no service of the lab are in _other.log.
 * Line:  one JSON object (`LogRecord` in src/model/service-logging.ts):
 *        {"time":"2026-11-21T11:45:05.123456+00:00","node":"node1","app":"shop","service":"web","task":"k3n...",
 *         "stream":"stdout","line":"..."}
 *        `time` is when the engine took the line, UTC, always six digits: it sorts as text.
 * Order: as written within a task and stream; nodes arrive interleaved, one that was cut off later than the others.
 * Twice: RELP delivers at least once: after an outage of the server a few lines may stand there twice, byte by byte.
 *
 * On the logs node, rsyslog.service is the server, and a second rsyslog (lab-log.service, process `log-forward`) sends
 * what its own containers write: so whatever kills the server takes no line along that is not yet in a file.
 *
 * A host that was there before has a syslog of its own, with rights and rules that lab does not know: both are processes
 * of lab's there (lab-log.service and lab-log-central.service), and rsyslog.service is left alone.
 */
import { firstNode, NODE_PATHS, playbook, type NodeSpec, type Site, type Step } from '../src/index.ts'
import { RELP_PORT } from '../src/model/names.ts'
import { packagesOf } from '../src/model/packages.ts'
import { systemOf } from '../src/model/site.ts'
import { apt } from '../src/steps/apt.ts'
import { directory } from '../src/steps/directory.ts'
import { absentFile, file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** Size at which a central file is put aside, and how many of those are kept. */
const ROTATION = { mebibytes: 32, keep: 3 }

/** All containers' lines in one place, and none lost on the way. */
export default playbook({
  name: 'logging',
  plays: (site) => {
    const server = firstNode(site, 'logs')
    return [
      {
        name: 'Logs of all containers in one place',
        hosts: () => true,
        tags: ['logging'],
        independent: true,
        steps: (node) => [
          apt({ packages: packagesOf(systemOf(site, node)).logging }),
          ...(node.name === server.name ? receiver(site, server.address) : []),
          ...sender(site, node, server),
        ],
      },
    ]
  },
})

/** Takes what containers of a node write and sends it on. */
function sender(
  site: Site,
  node: NodeSpec,
  server: { readonly name: string; readonly address: string },
): readonly Step[] {
  const beside = node.name === server.name || hasOwnSyslog(site)
  const unit = beside ? 'lab-log.service' : 'rsyslog.service'
  const values = {
    socket: NODE_PATHS.logSocket,
    queue: `${NODE_PATHS.state}/log-queue`,
    node: node.name,
    server: server.address,
    port: String(RELP_PORT),
    unit,
    beside,
    config: `${NODE_PATHS.etc}/log-forward.conf`,
    // A process name of its own, to tell the two servers of the logs node apart.
    program: '/usr/local/lib/lab/log-forward',
  }
  const template = (name: string) => renderPackaged(`playbooks/templates/${name}.hbs`, values)
  const socket = file({ path: '/etc/systemd/system/lab-log.socket', content: template('lab-log.socket') })
  const config = beside
    ? [
        file({ path: values.config, content: template('log-forward.conf') }),
        file({ path: '/etc/systemd/system/lab-log.service', content: template('lab-log.service') }),
      ]
    : [
        mainConfig(),
        file({ path: '/etc/rsyslog.d/lab.conf', content: template('log-forward.conf') }),
        file({ path: '/etc/systemd/system/rsyslog.service.d/lab.conf', content: template('rsyslog.service') }),
        absentFile('/etc/systemd/system/lab-log.service'),
      ]
  return [
    directory({ path: values.queue, mode: 0o700 }),
    socket,
    ...config,
    // It brings its socket along, here and at boot.
    service({ unit, running: true, enabled: true, restartAfter: config }),
    service({ unit: 'lab-log.socket', running: true, restartAfter: [socket] }),
  ]
}

/** Takes what all senders send and writes it to files. */
function receiver(site: Site, address: string): readonly Step[] {
  const values = {
    address,
    port: String(RELP_PORT),
    logs: NODE_PATHS.logs,
    rotate: '/usr/local/lib/lab/rotate-logs',
    mebibytes: String(ROTATION.mebibytes),
    keep: String(ROTATION.keep),
    // Written down here because rsyslog's own quoting differs from that of every other program.
    serviceName: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\$',
    config: `${NODE_PATHS.etc}/log-central.conf`,
    program: '/usr/local/lib/lab/log-central',
  }
  const template = (name: string) => renderPackaged(`playbooks/templates/${name}.hbs`, values)
  const own = hasOwnSyslog(site)
  const config = [
    file({ path: values.rotate, content: template('rotate-logs.sh'), mode: 0o755 }),
    ...(own
      ? [
          file({ path: values.config, content: template('log-central.conf') }),
          file({ path: '/etc/systemd/system/lab-log-central.service', content: template('lab-log-central.service') }),
        ]
      : [
          mainConfig(),
          file({ path: '/etc/rsyslog.d/lab.conf', content: template('log-central.conf') }),
          file({
            path: '/etc/systemd/system/rsyslog.service.d/lab.conf',
            content: template('rsyslog-central.service'),
          }),
        ]),
  ]
  return [
    directory({ path: NODE_PATHS.logs, mode: 0o750 }),
    ...config,
    service({ unit: own ? 'lab-log-central' : 'rsyslog', running: true, enabled: true, restartAfter: config }),
  ]
}

/** Whether the machines log by themselves already. */
function hasOwnSyslog({ spec }: Site): boolean {
  return spec.provider === 'ssh'
}

/** On machines that lab made, rsyslog carries containers' lines only; the journal has the rest. */
function mainConfig(): Step & { readonly files: readonly string[] } {
  return file({ path: '/etc/rsyslog.conf', content: renderPackaged('playbooks/templates/rsyslog.conf.hbs', {}) })
}
