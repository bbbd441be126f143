import * as z from 'zod'
import { ROLES, type PortRange } from '../model/lab-spec.ts'
import { isName } from '../model/names.ts'
import { cidrProblem } from './cidr.ts'
import { linkSchema } from './links.ts'
import { networksSchema, nodeNetworksSchema } from './networks.ts'
import { sshDefaultsSchema, sshHostSchema } from './ssh-hosts.ts'
import { parseSize, SIZE_PATTERN } from '../model/sizes.ts'

// Compiling a schema pays off from its thousandth use; a lab.yml is read once.
z.config({ jitless: true })

const NAME_RULE = 'use a-z, 0-9 and -, at most 63 characters, no - at the ends'
const MIB = 2 ** 20

/** A string that passes `problem`; its answer is the message. */
function checked(problem: (text: string) => string | undefined) {
  return z.string().superRefine((text, context) => {
    const message = problem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

const name = (kind: string) =>
  checked((text) => (isName(text) ? undefined : `"${text}" is not a ${kind} name: ${NAME_RULE}`)).meta({
    pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  })

const size = (least: number) =>
  z
    .union([z.number(), z.string().meta({ pattern: SIZE_PATTERN.source })], {
      error: 'expected a size such as 2GiB',
    })
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : parseSize(value)
      if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= least) return bytes
      context.addIssue({ code: 'custom', message: sizeProblem(value, bytes, least) })
      return z.NEVER
    })

function sizeProblem(value: string | number, bytes: number | undefined, least: number): string {
  if (bytes === undefined) return `"${String(value)}" is not a size: write it like 2GiB or 512M`
  if (bytes < least) return `${String(value)} is too small: at least ${String(least / MIB)}MiB`
  return Number.isInteger(bytes) ? `${String(value)} is too large` : `${String(value)} is not a whole number of bytes`
}

const port = z.int().min(1).max(65_535)

const portRange = z
  .union([port, z.string().meta({ pattern: '^[0-9]{1,5}-[0-9]{1,5}$' })], { error: 'expected a port or a range' })
  .transform((value, context): PortRange => {
    if (typeof value === 'number') return { first: value, last: value }
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(value)
    const [first, last] = [Number(match?.[1]), Number(match?.[2])]
    if (match !== null && first >= 1 && last <= 65_535 && first <= last) return { first, last }
    const message =
      match !== null && first > last
        ? `the range ${value} runs backwards: write ${String(last)}-${String(first)}`
        : `"${value}" is not a port or a range of ports: write it like 443 or 8000-8099`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text, a number, true or false' })

/** One entry of `nodes`, before `count` is expanded. */
export const nodeEntrySchema = z
  .strictObject({
    name: name('node').describe('Name of the node, or the start of its names when count is given.'),
    roles: z
      .array(z.enum(ROLES))
      .min(1)
      .default(['worker'])
      .describe('What the node is for. Apps run on workers only.'),
    count: z.int().min(1).max(250).optional().describe('This many nodes, called name1, name2, ...'),
    start: z.int().min(0).max(9999).optional().describe('Number of the first of them; 1 when absent.'),
    memory: size(128 * MIB)
      .optional()
      .describe('Memory limit, such as 2GiB; none when absent.'),
    cpus: z.number().min(0.1).max(1024).optional().describe('Processors, such as 1.5; no limit when absent.'),
    vars: z.record(z.string(), scalar).default({}).describe('Values for playbooks: node.vars.'),
    networks: nodeNetworksSchema.optional(),
    disks: z
      .record(
        z.string(),
        size(16 * MIB).describe('Its size, such as 5GiB; room is taken only as it is used. It can grow, not shrink.'),
      )
      .optional()
      .describe('Block devices besides its own disk, by name: data is /dev/lab/data on the node.'),
    ssh: sshHostSchema.optional(),
  })
  .describe('A node, or with count a row of equal nodes.')

/** One entry of `groups`. */
const groupSchema = z
  .strictObject({
    nodes: z.array(z.string()).min(1).describe('Names of its nodes; a role stands for all nodes that have it.'),
    vars: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(
        "Values for playbooks: they go before the lab's own; of several groups the last one in this file counts.",
      ),
  })
  .describe('A set of nodes, with values of its own.')

/** The file as a user writes it. Everything is optional: an empty file is the classic lab of four nodes. */
export const labFileSchema = z
  .strictObject({
    name: name('lab').optional().describe("Name of the lab; the directory's name when absent."),
    provider: z.enum(['docker', 'vagrant', 'ssh']).default('docker').describe('What the nodes are made of.'),
    subnet: checked((text) => (text === 'auto' ? undefined : cidrProblem(text)))
      .default('auto')
      .describe('Network of the nodes, such as 10.90.0.0/24; auto takes one that is free on this host.'),
    networks: networksSchema.optional(),
    nodes: z
      .array(nodeEntrySchema)
      .min(1)
      .default([
        { name: 'mgmt', roles: ['manager', 'build', 'edge'], vars: {} },
        { name: 'node1', roles: ['worker', 'registry', 'logs'], vars: {} },
        { name: 'node', roles: ['worker'], count: 2, start: 2, vars: {} },
      ])
      .describe('The nodes; mgmt and node1 to node3 when absent.'),
    ssh: sshDefaultsSchema.optional(),
    edge: z
      .strictObject({
        port: port.default(8080).describe("Port on this host's loopback that leads to port 80 of the edge."),
        ports: z
          .array(portRange)
          .default([])
          .describe(
            "Ports of apps that the edge can publish, such as 443 or '8000-8099'. 80 is always among them; 22, 53, 2377, 2514, 5000, 7788, 7946 and 7947 are the nodes' own.",
          ),
      })
      .prefault({})
      .describe('The way in, from this host to the apps.'),
    volumes: z
      .strictObject({
        driver: z.enum(['auto', 'btrfs', 'zfs']).default('auto').describe('Filesystem of the volumes.'),
        poolSize: size(256 * MIB)
          .prefault('20GiB')
          .describe('Most that all volumes on one node may hold.'),
      })
      .prefault({})
      .describe('Data volumes that move between nodes.'),
    apps: z
      .array(
        checked((text) =>
          isName(text) || /^\.{0,2}\//.test(text)
            ? undefined
            : `"${text}" is not an app: give the name of a directory below apps/ or a path that starts with ./`,
        ),
      )
      .default([])
      .describe('What `lab deploy` without a name deploys, in this order.'),
    groups: z
      .record(z.string(), groupSchema)
      .optional()
      .describe('Names for sets of nodes, for plays (hosts), --limit and --on. Roles and all are groups already.'),
    links: z
      .array(linkSchema)
      .optional()
      .describe('What the network between nodes is like; of several entries for two nodes the last one counts.'),
    vars: z.record(z.string(), z.unknown()).default({}).describe('Values for playbooks and compose.yml.hbs files.'),
  })
  .describe('A lab: its nodes and what runs on them.')

/** One entry of its `nodes`. */
export type NodeEntry = z.output<typeof nodeEntrySchema>
