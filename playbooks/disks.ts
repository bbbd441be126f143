import { NODE_PATHS, playbook } from '../src/index.ts'
import { DISK_PATHS, diskFilePrefix } from '../src/model/disks.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** Block devices besides a node's own disk. */
export default playbook({
  name: 'disks',
  plays: (site) => [
    {
      name: 'Disks of lab.yml',
      hosts: ({ disks }) => disks !== undefined,
      tags: ['disks'],
      independent: true,
      steps: ({ name, disks = {} }) => {
        const values = { ...DISK_PATHS, state: NODE_PATHS.state, prefix: diskFilePrefix(site.lab.id, name) }
        const template = (from: string) => renderPackaged(`playbooks/templates/${from}.hbs`, values)
        const mounts = file({ path: DISK_PATHS.generator, content: template('disk-mounts.sh'), mode: 0o755 })
        const holder = [
          file({ path: DISK_PATHS.script, content: template('disk.sh'), mode: 0o755 }),
          file({ path: '/etc/systemd/system/lab-disk@.service', content: template('lab-disk.service') }),
        ]
        const held = Object.entries(disks).flatMap(([disk, sizeBytes]) => {
          const settings = file({
            path: `${DISK_PATHS.settings}/${disk}`,
            content: `sizeBytes=${String(sizeBytes)}\n`,
          })
          return [
            settings,
            service({
              unit: `lab-disk@${disk}`,
              running: true,
              enabled: true,
              restartAfter: holder,
              reloadAfter: [settings],
            }),
          ]
        })
        return [mounts, ...holder, ...held]
      },
    },
  ],
})
