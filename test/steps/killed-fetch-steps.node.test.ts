import { beforeAll, expect, test } from 'vitest'
import { observedBy } from '../../src/executor/evaluate.ts'
import { ask, questionnaire } from '../../src/executor/gather.ts'
import type { Step } from '../../src/model/step.ts'
import { apt } from '../../src/steps/apt.ts'
import { archive } from '../../src/steps/archive.ts'
import { btrfsSubvolume } from '../../src/steps/btrfs-subvolume.ts'
import { download } from '../../src/steps/download.ts'
import { gitCheckout } from '../../src/steps/git-checkout.ts'
import { useNode } from '../node-fixture.ts'
import { serveOn } from './http-server.ts'
import { runSteps } from './play-runner.ts'
import { startPool } from './pool-node.ts'

const node = useNode()
const { sh } = node
beforeAll(async () => {
  await runSteps(node, [apt({ packages: ['git'] })])
})

// bash tells before each of its commands, also inside functions and subshells; the one named is never begun.
const KILLED = `at=$1 script=$2; shift 2
n=0
trap 'n=$((n + 1)); [ "$n" -lt "$at" ] || kill -KILL $$' DEBUG
eval "$script"`

/** Applies a step and kills its script before its command number `at`; false when it came to its end before. */
async function applyKilled(step: Step, at: number): Promise<boolean> {
  const observed = observedBy(step, await ask(node.connection, questionnaire(step.queries)))
  const changes = step.diff(observed, new Set())
  const context = { node: node.nodes[0]!, read: () => Promise.reject(new Error('no other node is read')) }
  const [command] = await step.apply(changes, observed, context)
  const [shell, option, script = '', name = '', ...args] = command?.argv ?? []
  expect([shell, option, changes.length > 0]).toEqual(['sh', '-c', true])
  const { status } = await node.connection.exec({
    argv: ['bash', '-Tc', KILLED, name, String(at), script, ...args],
    ...(command?.stdin === undefined ? {} : { stdin: command.stdin }),
  })
  return status === 137
}

/** Kills a step before each of its commands in turn, from the same state each time; the next run must always make it. */
async function killEverywhere(step: Step, before: string, isDone: string): Promise<number> {
  for (let at = 1; ; at++) {
    await sh(before)
    const killed = await applyKilled(step, at)
    if (!killed) return at - 1
    const { summary } = await runSteps(node, [step])
    expect(summary.errors, `killed before its command ${String(at)}`).toEqual([])
    await sh(isDone)
    const again = await runSteps(node, [step], { mode: 'plan' })
    expect(again.outcomes.join(), `killed before its command ${String(at)}`).toMatch(/: ok$/)
  }
}

test('a download', async () => {
  await serveOn(node.connection, '/srv/web', 8099)
  await sh('seq 1000 >/srv/web/list; mkdir -p /srv/got')
  const sha256 = await sh('sha256sum </srv/web/list | cut -c1-64')
  const step = download({ url: 'http://127.0.0.1:8099/list', path: '/srv/got/list', sha256 })
  const before = 'echo old >/srv/got/list; rm -f /srv/got/.list*'
  expect(
    await killEverywhere(step, before, 'cmp /srv/web/list /srv/got/list; [ "$(ls -A /srv/got)" = list ]'),
  ).toBeGreaterThan(8)
})

test('an archive in the place of an older one', async () => {
  await sh('mkdir -p /srv/pack /srv/unpacked; seq 100 >/srv/pack/list; tar -C /srv/pack -cf /srv/new.tar list')
  await sh('echo old >/srv/pack/list; tar -C /srv/pack -cf /srv/old.tar list; cp /srv/old.tar /srv/source.tar')
  const step = archive({ source: '/srv/source.tar', path: '/srv/unpacked/it' })
  await runSteps(node, [step])
  await sh('cp -a /srv/unpacked/it /srv/kept; cp /srv/new.tar /srv/source.tar')
  const before = 'rm -rf /srv/unpacked; mkdir /srv/unpacked; cp -a /srv/kept /srv/unpacked/it'
  const isDone = '[ "$(tail -n 1 /srv/unpacked/it/list)" = 100 ]; [ "$(ls -A /srv/unpacked)" = it ]'
  expect(await killEverywhere(step, before, isDone)).toBeGreaterThan(20)
})

test('a checkout, and one of another commit', { timeout: 300_000 }, async () => {
  await sh(`git init -qb main /srv/source; cd /srv/source; seq 50 >list; git add .
git -c user.name=a -c user.email=a@b commit -qm one; git tag one
seq 90 >list; echo new >new; git add .; git -c user.name=a -c user.email=a@b commit -qm two`)
  const step = gitCheckout({ repository: '/srv/source', path: '/srv/work/it', revision: 'main' })
  const isDone = '[ "$(tail -n 1 /srv/work/it/list)" = 90 ]; [ "$(ls -A /srv/work)" = it ]'
  expect(await killEverywhere(step, 'rm -rf /srv/work', isDone)).toBeGreaterThan(15)
  await runSteps(node, [gitCheckout({ repository: '/srv/source', path: '/srv/first', revision: 'one' })])
  const before = 'rm -rf /srv/work; mkdir /srv/work; cp -a /srv/first /srv/work/it'
  expect(await killEverywhere(step, before, isDone)).toBeGreaterThan(10)
})

test('a subvolume', async () => {
  await startPool(node.connection, 'btrfs')
  const step = btrfsSubvolume({ path: '/srv/pool/a/b', mode: 0o700, owner: 'daemon' })
  const before = '[ ! -d /srv/pool/a/b ] || btrfs -q subvolume delete /srv/pool/a/b; rm -rf /srv/pool/a'
  expect(await killEverywhere(step, before, '[ "$(stat -c "%a %U" /srv/pool/a/b)" = "700 daemon" ]')).toBeGreaterThan(4)
})
