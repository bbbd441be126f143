// Reads from the types of src/steps which options each kind of step takes, for messages at run time
// (src/model/check-options.ts). Writes src/model/step-options.json; with --check only says whether it is up to date.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')
const target = join(root, 'src/model/step-options.json')
const files = readdirSync(join(root, 'src/steps')).map((name) => join(root, 'src/steps', name))
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
const program = ts.createProgram(files, options)
const checker = program.getTypeChecker()

const table = {}
for (const file of files) {
  const source = program.getSourceFile(file)
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const { name, initializer } of statement.declarationList.declarations) {
      const kind = initializer && kindOf(initializer)
      if (kind === undefined) continue
      const [signature] = checker.getTypeAtLocation(name).getCallSignatures()
      const desired = checker.getTypeOfSymbolAtLocation(signature.parameters[0], name)
      table[kind] = { ...table[kind], ...optionsOf(desired, name) }
    }
  }
}

const lines = Object.keys(table)
  .sort()
  .map((kind) => `  ${JSON.stringify(kind)}: ${JSON.stringify(table[kind])}`)
const text = `{\n${lines.join(',\n')}\n}\n`
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/model/step-options.json is not what the steps say: node scripts/step-options.mjs')
  process.exitCode = 1
}

/** The kind in `defineStep({ kind: '...' })`. */
function kindOf(call) {
  if (!ts.isCallExpression(call) || call.expression.getText() !== 'defineStep') return undefined
  const property = call.arguments[0].properties.find((each) => each.name?.getText() === 'kind')
  return property?.initializer.text
}

function optionsOf(desired, node) {
  const members = desired.isUnion() ? desired.types : [desired]
  const shapes = {}
  for (const member of members) {
    for (const property of checker.getPropertiesOfType(member)) {
      const type = checker.getTypeOfSymbolAtLocation(property, node)
      const shape = (shapes[property.name] ??= { is: new Set(), in: 0 })
      for (const each of type.isUnion() ? type.types : [type]) for (const kind of kinds(each)) shape.is.add(kind)
      if (!(property.flags & ts.SymbolFlags.Optional)) shape.in++
    }
  }
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { is: [...shape.is].sort(), ...(shape.in === members.length ? { required: true } : {}) },
    ]),
  )
}

function kinds(type) {
  const { flags } = type
  if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never)) return []
  if (type.isStringLiteral() || type.isNumberLiteral()) return [JSON.stringify(type.value)]
  if (flags & (ts.TypeFlags.StringLike | ts.TypeFlags.TemplateLiteral)) return ['text']
  if (flags & ts.TypeFlags.NumberLike) return ['number']
  if (flags & ts.TypeFlags.BooleanLike) return ['flag']
  if (!(flags & ts.TypeFlags.Object)) return ['any']
  if (checker.isArrayType(type) || checker.isTupleType(type)) return ['list']
  return type.getCallSignatures().length > 0 ? ['function'] : ['set']
}
