import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandText, commandTextWithInput } from '../../src/shell/command-text.ts'
import { quote, quoteAll } from '../../src/shell/quote.ts'

const sh = (text: string) => execFileSync('sh', { input: text })

test('any words come out of a shell as they went in', () => {
  const word = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0'))
  // All in one go: a process for each would take most of the time.
  const words = [...fc.sample(word, 500), "it's", '', '-n', '$(id)', '\n', '\\', '~', '*']
  const expected = words.map((text) => Buffer.from(`${text}\0`))
  expect(sh(`printf '%s\\0' ${quoteAll(words)}`)).toEqual(Buffer.concat(expected))
})

test('a word with a NUL, which no shell can hold, is refused', () => {
  expect(() => quote('a\0b')).toThrow(RangeError)
})

test('directory and variables hold for the command alone', () => {
  const text = commandText({ argv: ['sh', '-c', 'pwd; echo "$WORD"'], cwd: '/usr', env: { WORD: 'a $b' } })
  expect(sh(`( ${text} ); echo "[$WORD]"`).toString()).toBe('/usr\na $b\n[]\n')
  expect(sh(`${commandText({ argv: ['echo', 'never'], cwd: '/no/such' })} 2>/dev/null; :`).toString()).toBe('')
  expect(() => commandText({ argv: ['true'], env: { 'A;B': 'x' } })).toThrow('not the name')
})

test.each([
  ['text', "it's\n$HOME %s \\n -n"],
  ['text with a NUL', 'a\0b'],
  ['bytes', Uint8Array.from({ length: 70_000 }, (_, i) => i % 256)],
  ['nothing', ''],
])('standard input of %s arrives byte for byte', (_, stdin) => {
  expect(sh(commandTextWithInput({ argv: ['cat'], stdin }))).toEqual(Buffer.from(stdin))
})

test('without standard input a command reads nothing, least of all the script around it', () => {
  expect(sh(`${commandTextWithInput({ argv: ['cat'] })}\necho next`).toString()).toBe('next\n')
})
