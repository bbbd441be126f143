/** What a script prints between its parts, on a line of its own. */
export const SECTION = '--'

/** The parts of an output, each as its lines; empty lines are left out. */
export function sections(text: string): string[][] {
  const found: string[][] = [[]]
  for (const line of text.split('\n')) {
    if (line === SECTION) found.push([])
    else if (line !== '') found.at(-1)?.push(line)
  }
  return found
}
