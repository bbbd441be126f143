import { createHash } from 'node:crypto'
import type { Step } from '../src/index.ts'
import { SEED_DIRECTORY } from '../src/facts/seed-images.ts'
import { BASE_IMAGE, EDGE_IMAGE, NODE_PATHS } from '../src/model/names.ts'
import { command } from '../src/steps/command.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** Longest that an image may take to be fetched or made: a slow mirror. */
const TIMEOUT_MS = 1_800_000

// From the registry that Docker asks by itself; where it does not answer, from the mirrors this host has its own packages
// from, with the release exchanged.
const BASE = `tag=$1
[ ! -r ${NODE_PATHS.etc}/proxy.env ] || { set -a; . ${NODE_PATHS.etc}/proxy.env; set +a; }
if timeout 60 docker pull -q "$tag"; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
if ! command -v mmdebstrap >/dev/null; then
  apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install mmdebstrap debian-archive-keyring
fi
. /etc/os-release
set --
if [ "$ID" = debian ]; then
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -s "$file" ] || set -- "$@" "$(grep -v -e '^#' -e '^Signed-By:' "$file" | sed "s/\\b$VERSION_CODENAME\\b/trixie/g")"
  done
fi
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \\
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \\
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \\
  trixie - "$@" | docker import --change 'CMD ["bash"]' --change 'ENV LANG=C.UTF-8' - "$tag"
docker image inspect "$tag" >/dev/null`

/** What a machine that lab did not make lacks of the images that builds start from, made there. */
export function baseImage(): Step {
  return command({
    title: `fetch or make the image ${BASE_IMAGE}`,
    run: ['sh', '-euc', BASE, 'base', BASE_IMAGE],
    unless: `${comes(BASE_IMAGE)} || docker image inspect ${BASE_IMAGE}`,
    unit: 'lab-base-image',
    timeoutMs: TIMEOUT_MS,
  })
}

/** The image of the edge, likewise; made anew when its recipe changes. */
export function edgeImage(): Step {
  const recipe = renderPackaged('images/edge/Dockerfile', {})
  const digest = createHash('sha256').update(recipe).digest('hex').slice(0, 12)
  const build = ['docker', 'build', '-q', '-t', EDGE_IMAGE, '--build-arg', `BASE=${BASE_IMAGE}`]
  return command({
    title: `build the image ${EDGE_IMAGE}`,
    run: [...build, '--label', `lab.recipe=${digest}`, '-'],
    stdin: recipe,
    unless: `${comes(EDGE_IMAGE)} || docker image inspect --format '{{index .Config.Labels "lab.recipe"}}' ${EDGE_IMAGE} | grep -qx ${digest}`,
    unit: 'lab-edge-image',
    timeoutMs: TIMEOUT_MS,
  })
}

/** Whether a node was made from lab's own image, which holds an archive with that one in it. */
function comes(image: string): string {
  return `grep -qs '^${image} ' ${SEED_DIRECTORY}/seed.list`
}
