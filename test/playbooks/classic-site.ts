import site from '../../playbooks/site.ts'
import type { NodeSpec, Role } from '../../src/model/lab-spec.ts'
import type { Site } from '../../src/model/site.ts'
import type { Step } from '../../src/model/step.ts'

const PRIVATE = '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n'
/** A certificate of this body, as PEM. */
export const CERTIFICATE = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
const NODES: readonly (readonly [string, readonly Role[], string])[] = [
  ['mgmt', ['manager', 'build', 'edge'], '10.90.0.11'],
  ['node1', ['worker', 'registry', 'logs'], '10.90.0.12'],
  ['node2', ['worker'], '10.90.0.13'],
]

/** Everything the playbooks are a function of, for three nodes. */
export function makeSite(change: Partial<Site> = {}): Site {
  const nodes = NODES.map(([name, roles, address]) => {
    return {
      name,
      roles,
      address,
      memoryBytes: undefined,
      cpus: undefined,
      vars: name === 'node2' ? { rack: 'a' } : {},
    }
  })
  return {
    lab: { id: 'classic-0a1b2c', name: 'classic', directory: '/home/dev/lab', stateDirectory: '/home/dev/lab/.lab' },
    spec: {
      name: 'classic',
      provider: 'docker',
      subnet: 'auto',
      nodes,
      edge: {
        port: 8080,
        ports: [
          { first: 80, last: 80 },
          ...Array.from({ length: 9 }, (_, n) => ({ first: n * 100 + 1000, last: n * 100 + 1050 })),
        ],
      },
      volumes: { driver: 'auto', poolSizeBytes: 2 ** 30 },
      apps: [],
      vars: {},
    },
    nodes,
    network: {
      subnet: '10.90.0.0/24',
      mtu: 1400,
      overlayPool: '10.99.0.0/16',
      overlaySubnet: '10.99.240.0/20',
      bridgeAddress: '10.88.0.1/24',
      bridgePool: '10.88.0.0/16',
    },
    dataPathPort: 7789,
    ca: { certificate: CERTIFICATE('QUJD\nLABCA='), privateKey: 'ca-private' },
    registry: {
      tls: { certificate: CERTIFICATE('VExT'), privateKey: 'tls-private' },
      password: 'pass-word',
      passwordHash: '$2b$08$hash',
    },
    transferKey: { privateKey: PRIVATE, publicKey: 'ssh-ed25519 AAAAtransfer lab-transfer' },
    hostKeys: { mgmt: 'ssh-ed25519 AAAA0', node1: 'ssh-ed25519 AAAA1', node2: 'ssh-ed25519 AAAA2' },
    host: { extraCertificates: undefined, proxy: {} },
    ...change,
  }
}

/** A step with the play it is in. */
export interface Placed {
  readonly play: string
  readonly step: Step
}

/** Every step of one node, in order. */
export function stepsOf(made: Site, name: string): readonly Placed[] {
  const node = made.nodes.find((each) => each.name === name) as NodeSpec
  return site.flatMap((book) => {
    const plays = typeof book.plays === 'function' ? book.plays(made) : book.plays
    return plays
      .filter(({ hosts }) => (typeof hosts === 'function' ? hosts(node) : hosts.includes(name)))
      .flatMap((play) => {
        const steps = typeof play.steps === 'function' ? play.steps(node) : play.steps
        return steps.map((step) => ({ play: play.name, step }))
      })
  })
}

/** Titles of the steps of one node, in order. */
export const titles = (made: Site, name: string) => stepsOf(made, name).map(({ step }) => step.title)
/** What a step of a node writes to a file. */
export const content = (made: Site, name: string, path: string) =>
  stepsOf(made, name).find(({ step }) => step.preview?.path === path)?.step.preview?.content
