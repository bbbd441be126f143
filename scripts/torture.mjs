// Long tests of one thing under violence: `npm run torture -- [NAME...] [--moves N] [--kills N] [--skip N] [--restarts N] [--labs N]
// [--cycles N] [--seconds N] [--seed N]`. Each NAME is a file test/torture/NAME.torture.ts; all of them without one. Numbers reach it as LAB_TORTURE_MOVES and so on.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { execa } from 'execa'

const suffix = '.torture.ts'
const known = readdirSync(new URL('../test/torture', import.meta.url))
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
const numbers = {
  moves: { type: 'string' },
  kills: { type: 'string' },
  skip: { type: 'string' },
  restarts: { type: 'string' },
  labs: { type: 'string' },
  cycles: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string' },
}
const { values, positionals } = parseArgs({ options: numbers, allowPositionals: true })
const wrong = [
  ...positionals.filter((name) => !known.includes(name)).map((name) => `no such test: ${name}`),
  ...Object.entries(values)
    .filter(([, value]) => !/^\d+$/.test(value))
    .map(([name, value]) => `--${name} is a number, not ${value}`),
]
if (wrong.length > 0) {
  console.error(`${wrong.join('\n')}\nthere are: ${known.join(', ')}`)
  process.exit(64)
}
const settings = Object.entries(values).map(([name, value]) => [`LAB_TORTURE_${name.toUpperCase()}`, value])
const files = positionals.map((name) => `test/torture/${name}${suffix}`)
await execa('npm', ['run', 'build'], { stdio: 'inherit' })
const { exitCode } = await execa('npx', ['vitest', 'run', '--project', 'torture', ...files], {
  stdio: 'inherit',
  reject: false,
  env: { LAB_TORTURE: '1', ...Object.fromEntries(settings) },
})
process.exitCode = exitCode ?? 1
