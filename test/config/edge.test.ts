import { expect, it } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'

it('the edge is kept off ports that nodes need themselves, all of them named together', () => {
  const text = 'edge: { ports: [443, 22, 5001-6000, 7900-7999] }'
  expect(() => parseLab(text, { file: 'lab.yml', defaultName: 'here' })).toThrow(
    [
      'lab.yml:1:22: a node needs 22 for its SSH server',
      'lab.yml:1:37: 7900-7999 holds 7946, which a node needs for the engines',
      'lab.yml:1:37: 7900-7999 holds 7947, which a node needs for its engine',
    ].join('\n'),
  )
})
