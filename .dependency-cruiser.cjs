// The layers of ARCHITECTURE.md, enforced: a layer imports itself and what its row lists, nothing else.
const LAYERS = {
  model: [],
  shell: ['model'],
  facts: ['shell', 'model'],
  connections: ['facts', 'shell', 'model'],
  steps: ['facts', 'shell', 'model'],
}
const BESIDE = [
  'executor',
  'providers',
  'swarm',
  'overlay',
  'volumes',
  'apps',
  'chaos',
  'logs',
  'reporters',
  'config',
  'secrets',
]
for (const layer of BESIDE) LAYERS[layer] = ['steps', 'connections', 'facts', 'shell', 'model']
LAYERS.workflows = [...BESIDE, ...LAYERS.executor]
LAYERS.cli = ['workflows', 'reporters', 'config', 'shell', 'model']

const layerRules = Object.entries(LAYERS).map(([layer, below]) => ({
  name: `${layer}-looks-down`,
  comment: `src/${layer} may import ${below.map((name) => `src/${name}`).join(', ') || 'no other layer'}. What it needs of a layer beside or above it is an interface in src/model, handed over by a workflow.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^(src|playbooks|test|bench|apps)/', pathNot: [layer, ...below].map((name) => `^src/${name}/`) },
}))
// A workflow runs the site's playbooks, and hands out what playbooks may import.
layerRules.find((rule) => rule.name === 'workflows-looks-down').to.pathNot.push('^playbooks/', '^src/index\\.ts$')

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'unknown-layer',
      comment: 'Every folder below src is a layer listed in .dependency-cruiser.cjs, so that none escapes the rules.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: Object.keys(LAYERS).map((layer) => `^src/${layer}/`) },
      to: {},
    },
    {
      name: 'a-step-stands-alone',
      comment: 'A step never imports a step: what two share is a fact or belongs to src/shell or src/model.',
      severity: 'error',
      from: { path: '^src/steps/([^/]+)' },
      to: { path: '^src/steps/', pathNot: '^src/steps/$1' },
    },
    {
      name: 'playbooks-describe',
      comment: 'A playbook is made of steps and pure functions; whatever does something belongs behind a step.',
      severity: 'error',
      from: { path: '^playbooks/' },
      to: { path: '^src/', pathNot: '^src/(index\\.ts$|(steps|facts|shell|model|overlay|volumes|logs)/)' },
    },
    {
      name: 'the-cli-starts-fast',
      comment: 'A command imports its workflow inside its action: `lab --help` must not load engines, SSH or parsers.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(workflows|config)/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      comment: 'Two modules that need each other are one, or lack a third below them. Types count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-a-name',
      comment: 'utils, helpers, common, lib and manager say nothing: name a file after what it does.',
      severity: 'error',
      from: {},
      to: { path: '(^|/)(utils?|helpers?|common|lib|managers?)(/|\\.[cm]?[jt]s$)', pathNot: 'node_modules' },
    },
    {
      name: 'not-to-test',
      comment: 'What ships never imports tests or measurements.',
      severity: 'error',
      from: { path: '^(src|playbooks)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'not-to-dev-dependency',
      comment: 'What ships needs no development package at run time.',
      severity: 'error',
      from: { path: '^(src|playbooks)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '/@types/' },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere. An optional package is the exception, and is imported dynamically.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^node-pty$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/\\.)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
}
