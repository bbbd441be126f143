/** An example of a step: TypeScript, and the imports it needs. */
export interface StepExample {
  readonly code: string
  readonly imports: readonly string[]
}

/** One option of a step. */
export interface StepOption {
  readonly name: string
  readonly meaning: string
  readonly fallback: string | undefined
}

/** A function of a step's source file. */
export interface StepFunction {
  readonly name: string
  /** Whether what it returns is a step. */
  readonly isFactory: boolean
  readonly meaning: string
  readonly examples: readonly StepExample[]
  readonly errors: readonly string[]
  readonly shapes: readonly { readonly options: readonly StepOption[] }[]
}

/** One source file of src/steps. */
export interface DocumentedStep {
  readonly name: string
  readonly functions: readonly StepFunction[]
}

/** What the sources say of their steps, by name. */
export function readSteps(): readonly DocumentedStep[]

/** An example as a user writes it. */
export function exampleText(example: StepExample): string

/** Pages of docs/steps by file name, as they have to be. */
export function pages(steps: readonly DocumentedStep[]): Promise<ReadonlyMap<string, string>>
