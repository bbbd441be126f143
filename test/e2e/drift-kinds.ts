/** Something a person, an upgrade or a fault does to a node, and the one step of the site that must find and mend it. */
export interface Drift {
  readonly what: string
  readonly node: string
  /** POSIX sh, run on the node. */
  readonly spoil: string
  /** Beginning of the title of the step. */
  readonly step: string
}

const edit = (path: string) => `echo '# edited by hand' >>${path}`

/** Kinds of drift, in batches: those of one batch do not touch each other's steps. */
export const BATCHES: readonly (readonly Drift[])[] = [
  [
    { what: 'a line more', node: 'node2', spoil: edit('/etc/lab/hosts'), step: 'write /etc/lab/hosts' },
    {
      what: 'a line less',
      node: 'node3',
      spoil: 'sed -i 1d /etc/lab/dnsmasq.conf',
      step: 'write /etc/lab/dnsmasq.conf',
    },
    {
      what: 'same size, other content',
      node: 'node1',
      spoil: 'tr a-z b-za </etc/lab/hosts >/tmp/h; cat /tmp/h >/etc/lab/hosts; rm /tmp/h',
      step: 'write /etc/lab/hosts',
    },
    { what: 'a file gone', node: 'mgmt', spoil: 'rm /etc/lab/hosts', step: 'write /etc/lab/hosts' },
    {
      what: 'a secret that others may read',
      node: 'node1',
      spoil: 'chmod 0644 /etc/lab/registry/tls.key',
      step: 'write /etc/lab/registry/tls.key',
    },
    {
      what: 'another owner',
      node: 'node2',
      spoil: 'chown nobody /etc/lab/transfer/id_ed25519',
      step: 'write /etc/lab/transfer/id_ed25519',
    },
    {
      what: 'another group',
      node: 'node3',
      spoil: 'chgrp nogroup /etc/lab/transfer/config',
      step: 'write /etc/lab/transfer/config',
    },
    {
      what: 'a program that cannot be run',
      node: 'node2',
      spoil: 'chmod -x /usr/local/lib/lab/volume-send',
      step: 'write /usr/local/lib/lab/volume-send',
    },
    {
      what: 'a program emptied',
      node: 'node3',
      spoil: ': >/usr/local/lib/lab/volume-receive',
      step: 'write /usr/local/lib/lab/volume-receive',
    },
    {
      what: 'a link in place of a file',
      node: 'node2',
      spoil: 'mv /etc/lab/transfer/config /tmp/config && ln -s /tmp/config /etc/lab/transfer/config',
      step: 'write /etc/lab/transfer/config',
    },
    {
      what: 'a certificate of another authority',
      node: 'node3',
      spoil: 'cp /etc/ssl/certs/ca-certificates.crt "/etc/docker/certs.d/registry.lab.local:5000/ca.crt"',
      step: 'write /etc/docker/certs.d/registry.lab.local:5000/ca.crt',
    },
    {
      what: 'credentials gone',
      node: 'node2',
      spoil: 'rm /root/.docker/config.json',
      step: 'write /root/.docker/config.json',
    },
    {
      what: 'a directory gone',
      node: 'mgmt',
      spoil: 'rm -r /etc/lab/registry 2>/dev/null; chmod 0777 /etc/lab/edge',
      step: 'directory /etc/lab/edge',
    },
  ],
  [
    { what: 'a package gone', node: 'node2', spoil: 'dpkg --purge --force-depends logrotate', step: 'install rsyslog' },
    {
      what: 'a package removed, its configuration left',
      node: 'node3',
      spoil: 'dpkg --remove --force-depends zfs-fuse',
      step: 'install btrfs-progs',
    },
    {
      what: 'a package half installed',
      node: 'mgmt',
      spoil: 'dpkg --unpack --force-depends /nonexistent 2>/dev/null; dpkg --purge --force-depends bind9-dnsutils',
      step: 'install systemd',
    },
    {
      what: 'a service stopped',
      node: 'node1',
      spoil: 'systemctl stop docker-registry',
      step: 'service docker-registry',
    },
    {
      what: 'a service that starts no more at boot',
      node: 'node2',
      spoil: 'systemctl disable -q lab-dns',
      step: 'service lab-dns',
    },
    {
      what: 'a service masked and stopped',
      node: 'node3',
      spoil: 'systemctl stop rsyslog.service; systemctl mask -q --now --runtime rsyslog.service',
      step: 'service rsyslog.service',
    },
    {
      what: 'a service killed for good',
      node: 'mgmt',
      spoil: 'systemctl kill -s KILL lab-dns; systemctl stop lab-dns',
      step: 'service lab-dns',
    },
    {
      what: 'a sender of log lines stopped',
      node: 'node1',
      spoil: 'systemctl stop lab-log.service',
      step: 'service lab-log.service',
    },
    { what: 'a unit disabled', node: 'node3', spoil: 'systemctl disable -q lab-volumes', step: 'service lab-volumes' },
  ],
  [
    {
      what: 'an authority no longer trusted',
      node: 'node2',
      spoil: 'rm -f /etc/ssl/certs/lab.pem; sed -i "/BEGIN/,\\$d" /etc/ssl/certs/ca-certificates.crt',
      step: 'trust lab',
    },
    {
      what: 'another name server',
      node: 'node3',
      spoil: 'echo "nameserver 127.0.0.11" >/etc/resolv.conf',
      step: 'ask the forwarder',
    },
    {
      what: 'firewall rules flushed',
      node: 'mgmt',
      spoil: 'iptables -t nat -F LAB-EDGE',
      step: 'lead the published ports',
    },
    { what: 'a container stopped', node: 'node1', spoil: 'docker stop -t 1 lab-probe', step: 'container lab-probe' },
    { what: 'a container removed', node: 'node2', spoil: 'docker rm -f lab-probe', step: 'container lab-probe' },
    {
      what: 'a container of another image',
      node: 'node3',
      spoil:
        'docker rm -f lab-probe && docker run -d --name lab-probe --entrypoint sleep "$(docker images -q lab-probe | head -n 1)" 3600',
      step: 'container lab-probe',
    },
    {
      what: 'a label of a node changed',
      node: 'mgmt',
      // Not of a worker: the swarm would take its tasks elsewhere, and much of the node would differ for that.
      spoil: 'docker node update --label-add lab.role.edge=false mgmt',
      step: "mgmt in the swarm's list",
    },
    {
      what: 'a label of a node removed',
      node: 'mgmt',
      spoil: 'docker node update --label-rm lab.role.logs node1',
      step: "node1 in the swarm's list",
    },
    {
      what: 'a label too many',
      node: 'mgmt',
      spoil: 'docker node update --label-add lab.role.edge=true node3',
      step: "node3 in the swarm's list",
    },
    {
      what: 'another setting of the swarm',
      node: 'mgmt',
      spoil: 'docker swarm update --dispatcher-heartbeat 9s',
      step: "the swarm's heartbeat",
    },
  ],
  [
    {
      what: 'a configuration edited and read',
      node: 'node1',
      spoil: `${edit('/etc/docker/registry/config.yml')}; systemctl restart docker-registry`,
      step: 'write /etc/docker/registry/config.yml',
    },
    {
      what: 'a drop-in removed',
      node: 'node2',
      spoil: 'rm /etc/systemd/system/rsyslog.service.d/lab.conf',
      step: 'write /etc/systemd/system/rsyslog.service.d/lab.conf',
    },
    {
      what: 'a unit file edited',
      node: 'node3',
      spoil: edit('/etc/systemd/system/lab-volumes.service'),
      step: 'write /etc/systemd/system/lab-volumes.service',
    },
    {
      what: "a service's file edited",
      node: 'node3',
      spoil: edit('/etc/rsyslog.d/lab.conf'),
      step: 'write /etc/rsyslog.d/lab.conf',
    },
    {
      what: 'a file that must not be there',
      node: 'mgmt',
      spoil: 'echo nonsense >/etc/systemd/system/lab-log.service',
      step: 'remove /etc/systemd/system/lab-log.service',
    },
    {
      what: 'a password file emptied',
      node: 'node1',
      spoil: ': >/etc/lab/registry/htpasswd',
      step: 'write /etc/lab/registry/htpasswd',
    },
    {
      what: 'a directory open to all',
      node: 'node2',
      spoil: 'chmod 0777 /var/lib/lab/log-queue',
      step: 'directory /var/lib/lab/log-queue',
    },
    {
      what: 'a proxy for packages',
      node: 'node3',
      spoil: 'echo \'Acquire::http::Proxy "http://127.0.0.1:9";\' >/etc/apt/apt.conf.d/95lab-proxy',
      step: 'remove /etc/apt/apt.conf.d/95lab-proxy',
    },
  ],
]
