import * as z from 'zod'
import { labFileSchema } from './schema.ts'

/** A JSON Schema, as far as walking it needs. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  /** Of entries whose keys the user chooses. */
  readonly additionalProperties?: JsonSchema | boolean
}

/** The JSON Schema of `lab.yml`, for editors; `lab.schema.json` holds its text. */
export function labJsonSchema(): JsonSchema {
  return { title: 'lab.yml', ...z.toJSONSchema(labFileSchema, { io: 'input' }) } as JsonSchema
}

/** Keys that may stand at a path of `lab.yml`; empty where any key may. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let schema: JsonSchema | undefined = labJsonSchema()
  for (const step of path) schema = typeof step === 'number' ? schema?.items : entryOf(schema, String(step))
  return Object.keys(schema?.properties ?? {})
}

function entryOf(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  const { properties, additionalProperties } = schema ?? {}
  return properties?.[key] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
}
