import { REGISTRY } from '../model/names.ts'

/**
 * Names those images that a registry does not have whole. Its directory is the first argument, the images are the others, as
 * `repository@sha256:...`. Reads only, and needs neither the registry's password nor that it runs.
 */
export const FIND_LACKING = `root=$1/docker/registry/v2
shift
has() {
  hex=\${1#sha256:}
  data=$root/blobs/sha256/\${hex%"\${hex#??}"}/$hex/data
  [ -s "$data" ]
}
for image; do
  digest=\${image#*@}
  whole=
  if [ -s "$root/repositories/\${image%@*}/_manifests/revisions/sha256/\${digest#sha256:}/link" ] && has "$digest"; then
    whole=yes
    for part in $(grep -o 'sha256:[0-9a-f]\\{64\\}' "$data"); do has "$part" || whole=; done
  fi
  [ -n "$whole" ] || echo "$image"
done`

/** Pure: a reference as {@link FIND_LACKING} takes and prints it, without the registry's own name. */
export function withoutRegistry(reference: string): string {
  return reference.slice(REGISTRY.length + 1)
}
