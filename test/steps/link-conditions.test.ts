import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { shapedLinks } from '../../src/facts/shaped-links.ts'
import { linkConditions } from '../../src/steps/link-conditions.ts'
import type { LinkConditions } from '../../src/model/links.ts'
import { consider, path } from './step-case.ts'

const step = linkConditions({
  links: [
    { address: '10.0.0.1', rateBits: 10e6, delayMs: 50, lossPercent: 0.5 },
    { address: '10.0.0.2', rateBits: 1e6 },
  ],
})
const SCRIPT = '/etc/lab/links'
const UNIT = '/etc/systemd/system/lab-links.service'
const ENABLED = '/etc/systemd/system/multi-user.target.wants/lab-links.service'
const HERE = { '10.0.0.1': { rateBits: 10e6, delayMs: 50, lossPercent: 0.5 }, '10.0.0.2': { rateBits: 1e6 } }

const file = (text: string, mode: number) =>
  path({ type: 'file', mode, digest: createHash('sha256').update(text).digest('hex') })
const nothingKept = { [SCRIPT]: path(), [UNIT]: path(), [ENABLED]: path() }
const seen = (
  found: Readonly<Record<string, LinkConditions>>,
  kept: Readonly<Record<string, unknown>> = nothingKept,
  wanted = step,
) =>
  consider(wanted, {
    'shaped-links': new Map(Object.entries(found)),
    ...Object.fromEntries(Object.entries(kept).map(([at, state]) => [`path:${at}`, state])),
  })
const keeps = { path: SCRIPT, from: undefined, to: 'kept for the next boot' }

test('what differs is named by address, with what it is in words', async () => {
  const { changes, commands } = await seen({ '10.0.0.2': { rateBits: 2e6 }, '10.0.0.9': { delayMs: 1 } })
  expect(changes).toEqual([
    { path: '10.0.0.1', from: undefined, to: '10 Mbit/s, 50 ms, 0.5 % lost' },
    { path: '10.0.0.2', from: '2 Mbit/s', to: '1 Mbit/s' },
    { path: '10.0.0.9', from: '1 ms', to: undefined },
    keeps,
  ])
  expect(commands[0]?.stdin).toContain("\ndone <<'LINKS'\n10.0.0.1 10000000 50 0.5\n10.0.0.2 1000000 0 0\nLINKS\n")
})

test('what the next boot would not make again is a difference, and what it would make against the wish as well', async () => {
  const { changes, commands } = await seen(HERE)
  expect(changes).toEqual([keeps])
  const script = String(commands[0]?.stdin)
  const unit = commands[0]?.argv.at(-1) ?? ''
  // The engine finds the others at full speed, and interfaces have their names by then.
  expect(unit).toMatch(/^After=.*lab-networks\.service .*lab-rejoin\.service$/m)
  const kept = { [SCRIPT]: file(script, 0o755), [UNIT]: file(unit, 0o644), [ENABLED]: path({ type: 'symlink' }) }
  expect((await seen(HERE, kept)).changes).toEqual([])
  for (const at of [SCRIPT, UNIT, ENABLED]) {
    expect((await seen(HERE, { ...kept, [at]: path() })).changes).toEqual([keeps])
  }
  expect((await seen(HERE, { ...kept, [SCRIPT]: file(script, 0o644) })).changes).toEqual([keeps])
  const none = linkConditions({ links: [] })
  expect((await seen({}, nothingKept, none)).changes).toEqual([])
  expect((await seen({}, kept, none)).changes).toEqual([
    { path: SCRIPT, from: 'kept for the next boot', to: undefined },
  ])
})

test('what tc prints is read back: rates of classes, delay and loss of what hangs below them', () => {
  const stdout = [
    JSON.stringify([
      { kind: 'htb', handle: '1ab:', dev: 'eth0', root: true },
      {
        kind: 'netem',
        handle: '8001:',
        dev: 'eth0',
        parent: '1ab:2',
        options: { limit: 100000, delay: { delay: 0.05 }, 'loss-random': { loss: 0.005 } },
      },
    ]),
    '--',
    JSON.stringify([
      { class: 'htb', handle: '1ab:1', rate: 1_250_000 },
      { class: 'htb', handle: '1ab:2', rate: 12_500_000_000 },
    ]),
    '--',
    JSON.stringify([
      { parent: '1ab:', kind: 'u32', options: { fh: '800:' } },
      { parent: '1ab:', kind: 'u32', options: { flowid: '1ab:1', match: { value: 'a000001', mask: 'ffffffff' } } },
      { parent: '1ab:', kind: 'u32', options: { flowid: '1ab:2', match: { value: 'c0000202', mask: 'ffffffff' } } },
    ]),
  ].join('\n')
  expect(shapedLinks.parse({ status: 0, stdout, stderr: '' })).toEqual(
    new Map([
      ['10.0.0.1', { rateBits: 10e6 }],
      ['192.0.2.2', { delayMs: 50, lossPercent: 0.5 }],
    ]),
  )
  expect(shapedLinks.parse({ status: 0, stdout: '[{"kind":"noqueue"}]\n', stderr: '' })).toEqual(new Map())
  expect(shapedLinks.parse({ status: 0, stdout: '', stderr: '' })).toEqual(new Map())
})
