import { DISK_PATHS } from '../model/disks.ts'
import { FactUnavailable, type FactQuery } from '../model/step.ts'

/** Disks of lab.yml that a node has, by name, with their sizes in bytes. */
export const diskSizes: FactQuery<Readonly<Record<string, number>>> = {
  key: 'disk-sizes',
  script: `cd ${DISK_PATHS.settings} 2>/dev/null || exit 0
for name in *; do [ ! -f "$name" ] || (. "./$name" && echo "$name $sizeBytes"); done`,
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new FactUnavailable(`disks: ${stderr.trim()}`)
    const lines = stdout.split('\n').filter((line) => line !== '')
    return Object.fromEntries(
      lines.map((line) => {
        const [name = '', sizeBytes = ''] = line.split(' ')
        return [name, Number(sizeBytes)]
      }),
    )
  },
}
