import { visit, type Document } from 'yaml'

/** Far more uses of one anchor than a file of a lab has, far less than would take minutes to read. */
export const MOST_ALIASES = 10_000

/** Aliases of a YAML document that name nothing, or what they themselves stand in: neither has a value. */
export function aliasProblems(
  document: Document.Parsed,
): readonly { readonly offset: number; readonly message: string }[] {
  const found: { offset: number; message: string }[] = []
  visit(document, {
    Alias: (_key, alias, path) => {
      const named = alias.resolve(document)
      const offset = alias.range?.[0] ?? 0
      if (named === undefined) found.push({ offset, message: `nothing above is called &${alias.source}` })
      else if (path.includes(named)) found.push({ offset, message: `*${alias.source} stands inside itself` })
    },
  })
  return found
}
