import { expect, it } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { InvalidFileError } from '../../src/model/errors.ts'

const parse = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'here' })

it('links have units in lab.yml, and one unit each after it', () => {
  const { links } = parse(`links:
  - { nodes: [node3], delay: 50ms, loss: 1%, rate: 10mbit }
  - { nodes: [node1, node2], delay: 1.5s, rate: 512kbit }
`)
  expect(links).toEqual([
    { nodes: ['node3'], delayMs: 50, lossPercent: 1, rateBits: 10e6 },
    { nodes: ['node1', 'node2'], delayMs: 1500, lossPercent: undefined, rateBits: 512e3 },
  ])
  expect(parse('links: []').links).toEqual([])
  expect(parse('').links).toBeUndefined()
})

it('mistakes in links are named together, each with its line', () => {
  const text = `links:
  - { nodes: [node9], delay: 50ms }
  - { nodes: [node1, node1], delay: 50 }
  - { nodes: [node1], loss: 101%, rate: 1bit }
  - { nodes: [node1] }
`
  let said = ''
  try {
    parse(text)
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error
    said = error.message
  }
  expect(said.split('\n')).toEqual([
    expect.stringMatching(/^lab\.yml:2:\d+: there is no node "node9": did you mean "node1"\?$/),
    expect.stringMatching(/^lab\.yml:3:\d+: "node1" is listed twice$/),
    expect.stringMatching(/^lab\.yml:3:\d+: .*50/),
    expect.stringMatching(/^lab\.yml:4:\d+: "loss": "101%" cannot be: write it like 1%, from 0\.001% to 100%$/),
    expect.stringMatching(/^lab\.yml:4:\d+: "rate": "1bit" cannot be: write it like 10mbit/),
    expect.stringMatching(/^lab\.yml:5:\d+: "links": a link needs a delay, a loss or a rate$/),
  ])
})
