// Writes docs/steps/: a page a step, and their index, from what the sources say of themselves. With --check it writes
// nothing and ends with 1 when a page is not what it would write.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format, resolveConfig } from 'prettier'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '..')
const STEPS = join(ROOT, 'src/steps')

/**
 * What the sources say of their steps, in the order of their names: for each function that makes steps (or, in a file
 * that has none, each exported function) its text, examples, errors, and the shapes of its options.
 */
export function readSteps() {
  const names = readdirSync(STEPS)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3))
    .sort()
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  const program = ts.createProgram(
    names.map((name) => join(STEPS, `${name}.ts`)),
    options,
  )
  const checker = program.getTypeChecker()
  const all = names.map((name) => readStep(program.getSourceFile(join(STEPS, `${name}.ts`)), name, checker))
  const homes = new Map(all.flatMap(({ name, exports }) => exports.map((symbol) => [symbol, name])))
  for (const step of all) {
    for (const made of step.functions) {
      made.examples = made.examples.map((code) => ({ code, imports: importsOf(code, homes) }))
    }
  }
  return all
}

function readStep(source, name, checker) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source))
  const values = symbols.filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
  const described = values.map((symbol) => readFunction(symbol, checker)).filter(Boolean)
  const makers = described.filter(({ isFactory }) => isFactory)
  return {
    name,
    exports: values.map((symbol) => symbol.getName()),
    functions: makers.length > 0 ? [...makers, ...described.filter(({ isFactory }) => !isFactory)] : described,
  }
}

function readFunction(symbol, checker) {
  const declaration = symbol.valueDeclaration
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration)
  const signature = type.getCallSignatures()[0]
  if (signature === undefined) return undefined
  const tags = symbol.getJsDocTags(checker)
  const texts = (tag) => tags.filter(({ name }) => name === tag).map(({ text }) => ts.displayPartsToString(text).trim())
  // What makes a step has its kind with it.
  const isFactory = type.getProperty('kind') !== undefined
  const parameters = signature.getParameters()
  return {
    name: symbol.getName(),
    isFactory,
    meaning: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    examples: texts('example'),
    errors: texts('throws'),
    parameters: parameters.map((parameter) => parameter.getName()),
    shapes: isFactory ? shapesOf(checker.getTypeOfSymbolAtLocation(parameters[0], declaration), checker) : [],
  }
}

/**
 * Options by shape: one for a plain interface, one for each member of a union. What an option means is said once; a word
 * that picks a shape, as `absent: true`, says what the shape says.
 */
function shapesOf(type, checker) {
  const members = type.isUnion() ? type.types : [type]
  const shapes = members.map((member) => {
    const alias = member.aliasSymbol ?? member.symbol
    const named = alias !== undefined && alias.getName() !== '__type'
    return {
      title: named && members.length > 1 ? ts.displayPartsToString(alias.getDocumentationComment(checker)) : '',
      options: member
        .getProperties()
        .map((property) => readOption(property, checker))
        .filter(({ type }) => type !== 'undefined' && type !== 'false'),
    }
  })
  const all = shapes.flatMap(({ options }) => options)
  const said = new Map(all.filter(({ meaning }) => meaning !== '').map(({ name, meaning }) => [name, meaning]))
  for (const { title, options } of shapes) {
    for (const option of options) {
      option.meaning ||= said.get(option.name) || (option.type === 'true' ? title : '')
    }
  }
  return shapes
}

function readOption(property, checker) {
  const declaration = property.valueDeclaration ?? property.declarations?.[0]
  const optional = (property.flags & ts.SymbolFlags.Optional) !== 0
  const written = declaration && ts.isPropertySignature(declaration) ? declaration.type?.getText() : undefined
  const type = checker.typeToString(
    checker.getNonNullableType(checker.getTypeOfSymbol(property)),
    undefined,
    ts.TypeFormatFlags.NoTruncation,
  )
  const fallback = property.getJsDocTags(checker).find(({ name }) => name === 'default')
  return {
    name: property.getName(),
    optional,
    // As it is written, which says more: `Run` and not all that it may be. `never` is of another shape of the options.
    type: type === 'never' || written === 'never' ? 'undefined' : (written ?? type).replaceAll(/\s+/g, ' '),
    meaning: ts.displayPartsToString(property.getDocumentationComment(checker)),
    fallback: fallback === undefined ? undefined : ts.displayPartsToString(fallback.text),
  }
}

/** Names of an example that are exports of steps, by the step they come from. */
function importsOf(code, homes) {
  const found = new Map()
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true)
  const own = new Set()
  const visit = (node) => {
    if (ts.isVariableDeclaration(node)) own.add(node.name.getText())
    if (ts.isIdentifier(node) && homes.has(node.text) && !isKey(node) && !own.has(node.text)) {
      const home = homes.get(node.text)
      found.set(home, (found.get(home) ?? new Set()).add(node.text))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([home, names]) => `import { ${[...names].sort().join(', ')} } from 'lab/steps/${home}'`)
}

function isKey(node) {
  const { parent } = node
  return (
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isPropertyAccessExpression(parent) && parent.name === node)
  )
}

/** An example as a user writes it. */
export function exampleText({ code, imports }) {
  return imports.length === 0 ? code : `${imports.join('\n')}\n\n${code}`
}

/** Pages by file name, as they have to be. */
export async function pages(steps) {
  const options = { ...(await resolveConfig(join(ROOT, 'README.md'))), parser: 'markdown' }
  const texts = [...steps.map((step) => [`${step.name}.md`, page(step)]), ['README.md', index(steps)]]
  return new Map(await Promise.all(texts.map(async ([file, text]) => [file, await format(text, options)])))
}

const NOTE = '<!-- Written by `npm run docs` from the source: change it there. -->'

function page(step) {
  return `${NOTE}\n\n# ${step.name}\n\n${step.functions.map((made) => section(made)).join('\n')}
[All steps](README.md) · [Source](../../src/steps/${step.name}.ts)\n`
}

function section(made) {
  const title = made.isFactory ? '' : `## ${made.name}(${made.parameters.join(', ')})\n\n`
  const examples = made.examples.map((example) => `\`\`\`ts\n${exampleText(example)}\n\`\`\`\n`).join('\n')
  const shapes = made.shapes.map(({ title: shape, options }) => `${sentence(shape)}\n\n${table(options)}\n`)
  const heading = made.shapes.length > 1 ? '## Options: one of these\n' : '## Options\n'
  const errors = made.errors.map((error) => `- ${error.replace(/^([A-Z_]+):/, '`$1`:')}`).join('\n')
  return [
    title,
    `${prose(made.meaning)}\n`,
    examples,
    made.shapes.length > 0 ? heading : '',
    ...shapes,
    errors === '' ? '' : `${made.isFactory ? '## Errors' : '### Errors'}\n\n${errors}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function table(options) {
  const rows = options.map(({ name, optional, type, meaning, fallback }) => {
    const what = [prose(meaning), fallback === undefined ? '' : `Default: ${fallback}.`].filter(Boolean).join(' ')
    return `| \`${name}\`${optional ? '' : ' **required**'} | ${cell(`\`${type.replace(/^readonly /, '')}\``)} | ${cell(what)} |`
  })
  return `| option | type | meaning |\n| --- | --- | --- |\n${rows.join('\n')}`
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function prose(text) {
  return text.replaceAll(/\{@link ([\w.]+)\}/g, '`$1`')
}

function sentence(text) {
  return text === '' ? '' : prose(text)
}

function index(steps) {
  const rows = steps.map((step) => {
    const meaning = prose(step.functions[0]?.meaning ?? '').split(/(?<=[.:;])\s/)[0] ?? ''
    return `| [${step.name}](${step.name}.md) | ${cell(meaning.replace(/[:;]$/, '.'))} |`
  })
  return `${NOTE}

# Steps

A step says what is wanted of one thing on a node; lab finds out whether it is so, and if not, makes it so. Each is imported
from \`lab/steps/<name>\`. The examples are run by the tests, twice, on a real node: the second time nothing is changed.

| step | what it does |
| --- | --- |
${rows.join('\n')}

Every step may end with \`FACT_UNAVAILABLE\` (the node cannot tell its present state), \`STEP_FAILED\` (a command failed; its
last lines are shown) and \`NOT_CONVERGED\` (all commands succeeded, and the node still is not as wanted). Options that no
node could fulfil are a \`USAGE\` error with exit code 64, before anything is changed.
`
}

async function main(check) {
  const directory = join(ROOT, 'docs/steps')
  const wanted = await pages(readSteps())
  mkdirSync(directory, { recursive: true })
  const there = readdirSync(directory)
  const differing = [...wanted].filter(([file, text]) => {
    const path = join(directory, file)
    return !existsSync(path) || readFileSync(path, 'utf8') !== text
  })
  const stale = there.filter((file) => !wanted.has(file))
  if (!check) {
    for (const [file, text] of differing) writeFileSync(join(directory, file), text)
    for (const file of stale) rmSync(join(directory, file))
    return 0
  }
  const files = [...differing.map(([file]) => file), ...stale]
  if (files.length > 0) console.error(`docs/steps is not up to date (${files.join(', ')}): npm run docs`)
  return files.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.includes('--check'))
}
