import { playbook, NODE_PATHS, type Site, type Step } from '../src/index.ts'
import { REGISTRY_PORT, REGISTRY_USER } from '../src/model/names.ts'
import { packagesOf } from '../src/model/packages.ts'
import { siteNodes } from '../src/model/site.ts'
import { apt } from '../src/steps/apt.ts'
import { directory } from '../src/steps/directory.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** The lab's own image registry: TLS by the lab's authority, one password. */
export default playbook({
  name: 'registry',
  plays: (site) => {
    const [node] = siteNodes(site, 'registry')
    if (node === undefined) return []
    return [
      {
        name: 'A registry for the images of the lab',
        hosts: [node.name],
        tags: ['registry'],
        independent: true,
        steps: [apt({ packages: packagesOf(node.system).registry }), ...registry(site, node.address)],
      },
    ]
  },
})

function registry(site: Site, address: string): readonly Step[] {
  const owner = 'docker-registry:docker-registry'
  const etc = `${NODE_PATHS.etc}/registry`
  const paths = {
    storage: `${NODE_PATHS.state}/registry`,
    certificate: `${etc}/tls.crt`,
    key: `${etc}/tls.key`,
    passwords: `${etc}/htpasswd`,
  }
  const config = [
    file({
      path: '/etc/docker/registry/config.yml',
      content: renderPackaged('playbooks/templates/registry.yml.hbs', {
        ...paths,
        listen: `${address}:${String(REGISTRY_PORT)}`,
      }),
    }),
    file({ path: paths.certificate, content: site.registry.tls.certificate }),
    file({ path: paths.key, content: site.registry.tls.privateKey, owner, secret: true }),
    file({ path: paths.passwords, content: `${REGISTRY_USER}:${site.registry.passwordHash}\n`, owner, secret: true }),
    file({
      path: '/etc/systemd/system/docker-registry.service.d/lab.conf',
      content: renderPackaged('playbooks/templates/docker-registry.service.hbs', { ...paths }),
    }),
  ]
  return [
    directory({ path: paths.storage, owner, mode: 0o750 }),
    ...config,
    service({ unit: 'docker-registry', running: true, enabled: true, restartAfter: config }),
  ]
}
