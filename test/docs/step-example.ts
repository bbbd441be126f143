import ts from 'typescript'
import type { DocumentedStep, StepExample } from '../../scripts/step-docs.mjs'

/** An example and where it stands. */
export interface NamedExample extends StepExample {
  /** Name of the step's source file. */
  readonly step: string
  /** `wait-2`: the second example of wait. */
  readonly name: string
}

/** All examples of all steps, in the order of their names. */
export function examplesOf(steps: readonly DocumentedStep[]): readonly NamedExample[] {
  return steps.flatMap(({ name, functions }) =>
    functions
      .flatMap(({ examples }) => examples)
      .map((example, index) => ({ ...example, step: name, name: `${name}-${String(index + 1)}` })),
  )
}

/** An example as a module whose default export is its steps, in their order. `factories` are the names that make steps. */
export function exampleModule({ code, imports }: StepExample, factories: ReadonlySet<string>): string {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true)
  const lines = source.statements.flatMap((statement): string[] => {
    if (ts.isExpressionStatement(statement)) return [`steps.push(${statement.expression.getText()})`]
    if (!ts.isVariableStatement(statement)) return [statement.getText()]
    const made = statement.declarationList.declarations.filter(({ initializer }) => {
      return (
        initializer !== undefined && ts.isCallExpression(initializer) && factories.has(initializer.expression.getText())
      )
    })
    return [statement.getText(), ...made.map(({ name }) => `steps.push(${name.getText()})`)]
  })
  return [
    "import type { Step } from 'lab'",
    ...imports,
    'const steps: Step[] = []',
    ...lines,
    'export default steps',
    '',
  ].join('\n')
}

/** Names of the functions that make steps. */
export function factoriesOf(steps: readonly DocumentedStep[]): ReadonlySet<string> {
  return new Set(steps.flatMap(({ functions }) => functions.flatMap((made) => (made.isFactory ? [made.name] : []))))
}
