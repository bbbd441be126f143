import type { Playbook, Site } from '../src/index.ts'
import base from './base.ts'
import cluster from './cluster.ts'
import disks from './disks.ts'
import edge, { edgePorts } from './edge.ts'
import election from './election.ts'
import engine from './engine.ts'
import images, { imagesBegun } from './images.ts'
import links from './links.ts'
import logging from './logging.ts'
import networks from './networks.ts'
import overlay from './overlay.ts'
import registry from './registry.ts'
import volumes from './volumes.ts'

/** The whole site, in the order it is brought up: what concerns each node by itself, then what joins them. */
const site: readonly Playbook<Site>[] = [
  base,
  engine,
  imagesBegun,
  disks,
  registry,
  volumes,
  logging,
  edgePorts,
  cluster,
  election,
  overlay,
  images,
  edge,
  networks,
  links,
]
export default site
