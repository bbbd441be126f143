import type { Connection } from '../../src/model/connection.ts'

const DOCKER = `set -e
mkdir -p /etc/docker
printf '{"storage-driver":"overlay2","default-address-pools":[{"base":"10.87.0.0/16","size":24}],"bip":"10.86.0.1/24"}' >/etc/docker/daemon.json
systemctl start docker
`

// A registry of the node's own, as it needs no name and no certificate on the loopback, with one image in it.
const REGISTRY = `mkdir -p /srv/registry
cat >/srv/registry.yml <<'END'
version: 0.1
storage: { filesystem: { rootdirectory: /srv/registry } }
http: { addr: "127.0.0.1:5000" }
END
systemd-run -q --unit=test-registry docker-registry serve /srv/registry.yml
n=0
until bash -c 'exec 3<>/dev/tcp/127.0.0.1/5000' 2>/dev/null; do [ $((n += 1)) -lt 200 ]; sleep 0.05; done
mkdir -p /srv/hello; echo hello >/srv/hello/text; cp /usr/bin/busybox /srv/hello/busybox
tar -C /srv/hello -cf - . | docker import --change 'CMD ["/busybox","sleep","86400"]' - 127.0.0.1:5000/hello:1 >/dev/null
docker push -q 127.0.0.1:5000/hello:1 >/dev/null
docker image rm 127.0.0.1:5000/hello:1 >/dev/null
`

const SWARM = `address=$(ip -4 -o addr show dev eth0 | awk '{ sub("/.*", "", $4); print $4; exit }')
docker swarm init --advertise-addr "$address" --listen-addr "$address" >/dev/null
`

/** Starts the engine of a fresh node, with a registry on its loopback that holds `127.0.0.1:5000/hello:1`. */
export async function startEngine(connection: Connection, options: { readonly swarm: boolean }): Promise<void> {
  const { status, stderr } = await connection.script(`${DOCKER}${REGISTRY}${options.swarm ? SWARM : ''}`)
  if (status !== 0) throw new Error(`the engine did not start: ${stderr}`)
}
