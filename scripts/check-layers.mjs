// Checks who imports whom (.dependency-cruiser.cjs), here or in the directory given. A checker that looked at nothing
// finds nothing: that fails too.
import { resolve } from 'node:path'
import { cruise } from 'dependency-cruiser'
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const here = resolve(import.meta.dirname, '..')
const baseDir = resolve(process.argv[2] ?? here)
const fewest = baseDir === here ? 60 : 1

const options = await extractOptions(`${here}/.dependency-cruiser.cjs`)
const tsConfig = extractTSConfig(`${here}/tsconfig.json`)
const { output } = await cruise(['src', 'playbooks'], { ...options, baseDir, validate: true }, undefined, { tsConfig })
const { violations, ruleSetUsed } = output.summary
const looked = output.modules.filter((module) => /^(src|playbooks)\//.test(module.source)).length

for (const { rule, from, to, cycle = [] } of violations) {
  const path = cycle.length > 0 ? [from, ...cycle.map((step) => step.name)].join(' -> ') : `${from} -> ${to}`
  console.error(`${rule.name}: ${path}\n  ${ruleSetUsed.forbidden.find((known) => known.name === rule.name).comment}`)
}
if (looked < fewest) console.error(`only ${looked} modules were looked at: the check does not see the sources`)
console.log(`layers: ${looked} modules, ${violations.length} violations`)
process.exitCode = violations.length > 0 || looked < fewest ? 1 : 0
