import { playbook, NODE_PATHS, type Play, type Playbook, type Site } from '../src/index.ts'
import { SEED_DIRECTORY } from '../src/facts/seed-images.ts'
import { BASE_IMAGE } from '../src/model/names.ts'
import { withRole } from '../src/model/site.ts'
import { baseImage, edgeImage } from './made-images.ts'
import { command } from '../src/steps/command.ts'
import { dockerImage, LOAD_UNIT } from '../src/steps/docker-image.ts'

/** Loads the archive beside everything else that is to be done, once in the life of a node's engine. */
const BEGIN = `[ ! -e ${SEED_DIRECTORY}/seed.tar ] || systemd-run --quiet --collect --unit=${LOAD_UNIT} \\
  docker load --quiet --input ${SEED_DIRECTORY}/seed.tar
: >"$1"`

/** Machines that were not made from lab's image have none of its images. */
const MADE: Play = {
  name: 'Make the images that other nodes come with',
  hosts: (node) => withRole('build')(node) || withRole('edge')(node),
  tags: ['engine', 'images'],
  steps: (node) => [baseImage(), ...(withRole('edge')(node) ? [edgeImage()] : [])],
}

/**
 * What is needed of the images that nodes are made with. Loading them takes longer than any other step, and little needs
 * them: so it is begun as soon as an engine runs, and waited for at the end.
 */
export const imagesBegun: Playbook<Site> = playbook({
  name: 'images',
  plays: (site: Site) => [
    ...(site.spec.provider === 'docker' ? [] : [MADE]),
    {
      name: 'Begin to load images',
      hosts: (node) => withRole('build')(node) || withRole('edge')(node),
      tags: ['engine', 'images'],
      independent: true,
      steps: [
        command({
          title: 'begin to load the images that came with the node',
          run: ['sh', '-euc', BEGIN, 'begin', `${NODE_PATHS.state}/images-begun`],
          creates: `${NODE_PATHS.state}/images-begun`,
        }),
      ],
    },
  ],
})

/** The images that builds start from. */
export default playbook({
  name: 'images',
  plays: () => [
    {
      name: 'Images that builds start from',
      hosts: withRole('build'),
      tags: ['engine', 'images'],
      independent: true,
      steps: [dockerImage({ tag: BASE_IMAGE, pinned: false })],
    },
  ],
})
