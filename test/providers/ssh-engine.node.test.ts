import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureMachines } from '../../src/workflows/machines.ts'
import { startSshHost, type SshTestHost } from '../ssh-host.ts'
import { openHostLab } from '../ssh-lab.ts'

/** A slow mirror and a busy machine: 100 MB are fetched and unpacked. */
const MIRROR_MS = 600_000
let host: SshTestHost

beforeAll(async () => {
  host = await startSshHost()
  await host.sh(`set -e
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install docker.io docker-cli iptables >/dev/null
    docker info >/dev/null`)
}, MIRROR_MS)
afterAll(async () => {
  await host.destroy()
})

it('is refused with what its engine holds, by name', async () => {
  await host.sh('docker volume create precious; docker network create own')
  const refused = ensureMachines(await openHostLab(host)).finally(() =>
    host.sh('docker volume rm precious; docker network rm own'),
  )
  await expect(refused).rejects.toMatchObject({
    code: 'UNSUITABLE',
    message: expect.stringContaining('(the volumes precious; the networks own)') as string,
  })
})

it('is refused while its engine does not run, because nobody can tell what that holds', async () => {
  await host.sh('systemctl stop docker.socket docker.service')
  const refused = ensureMachines(await openHostLab(host)).finally(() =>
    host.sh('systemctl start docker.socket docker.service'),
  )
  await expect(refused).rejects.toMatchObject({
    code: 'UNSUITABLE',
    message: expect.stringContaining('its engine does not run') as string,
  })
})
