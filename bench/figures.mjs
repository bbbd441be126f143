// Figures of a lab that is up with the sample deployed: medians, both sides of a comparison in one run.
// npm run bench -- /path/of/the/directory/with/lab.yml
import { performance } from 'node:perf_hooks'
import { resolve } from 'node:path'
import { $ } from 'zx'

const RUNS = 5
const directory = resolve(process.argv[2] ?? '.')
const launcher = resolve(import.meta.dirname, '../lab')
const run = $({ cwd: directory, quiet: true, env: { ...process.env, NO_COLOR: '1' } })

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`

/** Wall time of `work`, which is awaited, in milliseconds. */
async function time(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function medianOf(work) {
  const times = []
  for (let i = 0; i < RUNS; i++) times.push(await time(work))
  return median(times)
}

const status = JSON.parse((await run`${launcher} status --json`).stdout)
const container = (node) => `${status.lab}-${node}`
const manager = container(status.nodes.find(({ roles }) => roles.includes('manager')).name)

console.log(`lab --help                         ${seconds(await medianOf(() => run`${launcher} --help`))}`)
console.log(`lab status                         ${seconds(await medianOf(() => run`${launcher} status`))}`)
console.log(`lab up, converged                  ${seconds(await medianOf(() => run`${launcher} up`))}`)

const memory = await Promise.all(
  status.nodes.map(async ({ name }) => {
    const { stdout } = await run`docker exec ${container(name)} sh -c ${'ps ax -o pss= 2>/dev/null || ps ax -o rss='}`
    return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0)
  }),
)
console.log(`memory of all processes            ${(memory.reduce((a, b) => a + b, 0) / 1024).toFixed(0)} MiB`)

// The engine's own command waits until the service has converged, as lab's does.
const bare = []
const ours = []
for (let i = 0; i < RUNS; i++) {
  await run`${launcher} scale nodeapp 1`
  bare.push(await time(() => run`docker exec ${manager} docker service scale nodeapp_nodeapp=3`))
  await run`${launcher} scale nodeapp 1`
  ours.push(await time(() => run`${launcher} scale nodeapp 3`))
}
console.log(`docker service scale, 1 to 3       ${seconds(median(bare))}`)
console.log(`lab scale, 1 to 3                  ${seconds(median(ours))}`)
console.log(`  ratio                            ${(median(ours) / median(bare)).toFixed(2)}`)
