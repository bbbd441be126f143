import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Steps that no random state is made for, and why. */
const EXCEPT: Readonly<Record<string, string>> = {
  'swarm-departed': 'an entry of a node that is gone takes a second node: test/e2e/node-loss.test.ts',
}

const STEPS = new URL('../../src/steps/', import.meta.url)
const HERE = new URL('./', import.meta.url)

test('every step is tried from random states, or says why not', () => {
  const tests = readdirSync(HERE).filter((name) => /^random-.*\.node\.test\.ts$/.test(name))
  const tried = tests.flatMap((name) =>
    [...readFileSync(new URL(name, HERE), 'utf8').matchAll(/'\.\.\/\.\.\/src\/steps\/([\w-]+)\.ts'/g)].map(
      ([, step = '']) => step,
    ),
  )
  const steps = readdirSync(STEPS).map((name) => name.replace(/\.ts$/, ''))
  expect(steps.length).toBeGreaterThan(30)
  expect(steps.filter((step) => !tried.includes(step))).toEqual(Object.keys(EXCEPT))
})
