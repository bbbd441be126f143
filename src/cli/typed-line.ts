import { hiddenValues } from '../model/hidden-values.ts'
import { quoteAll } from '../shell/quote.ts'
import { redact } from '../shell/redact.ts'

/**
 * A command line of lab as text for a shell, with secrets struck out. `without` names an option that is left out with its
 * value, however often it was given.
 */
export function typedLine(argv: readonly string[], without?: string): string {
  const words = argv.filter((word, index) => {
    if (without === undefined) return true
    return word !== without && argv[index - 1] !== without && !word.startsWith(`${without}=`)
  })
  // Struck out first: a secret that is quoted may no longer look like itself.
  return quoteAll(['lab', ...words.map((word) => redact(word, hiddenValues()))])
}
