import { expect, it } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { InvalidFileError } from '../../src/model/errors.ts'

const parse = (disks: string) =>
  parseLab(
    `nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: node, count: 2, disks: ${disks} }
`,
    { file: 'lab.yml', defaultName: 'here' },
  )

it('disks have sizes in whole mebibytes, the same on each node of a count', () => {
  const { nodes } = parse('{ data: 5GiB, log: 100.5MiB }')
  expect(nodes.map(({ disks }) => disks)).toEqual([
    undefined,
    { data: 5 * 2 ** 30, log: 100 * 2 ** 20 },
    { data: 5 * 2 ** 30, log: 100 * 2 ** 20 },
  ])
  expect(parse('{}').nodes.some((node) => 'disks' in node)).toBe(false)
})

it('mistakes in disks are named together', () => {
  let said = ''
  try {
    parse('{ Data: 5GiB, small: 1MiB, odd: much, data-part1: 1GiB }')
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error
    said = error.message
  }
  expect(said.split('\n')).toEqual([
    expect.stringMatching(/^lab\.yml:3:38: "Data" is not a disk name/),
    'lab.yml:3:57: "small": 1MiB is too small: at least 16MiB',
    'lab.yml:3:68: "odd": "much" is not a size: write it like 2GiB or 512M',
    'lab.yml:3:74: "data-part1" is what a partition of another disk is called',
  ])
})
