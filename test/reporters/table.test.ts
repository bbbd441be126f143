import { describe, expect, it } from 'vitest'
import { makeStyle } from '../../src/reporters/style.ts'
import { renderTable } from '../../src/reporters/table.ts'
import { cut, printable, spread, widthOf } from '../../src/reporters/text.ts'
import { bytesText } from '../../src/model/bytes-text.ts'
import { formatDuration } from '../../src/reporters/quantities.ts'

const plain = (columns = 80) => ({ columns, style: makeStyle(false) })

describe('a table', () => {
  const columns = [{ title: 'NAME' }, { title: 'SIZE', align: 'right' as const }, { title: 'WHAT', shrink: true }]
  const rows = [
    ['a', '1 MiB', 'short'],
    ['日本', '20 GiB', 'a rather long text that does not fit a narrow screen'],
  ]

  it('aligns its columns, wide characters included', () => {
    expect(renderTable(columns, rows, plain()).join('\n')).toMatchInlineSnapshot(`
      "NAME     SIZE   WHAT
      a       1 MiB   short
      日本   20 GiB   a rather long text that does not fit a narrow screen"
    `)
  })

  it('cuts what may be cut where the screen is narrow', () => {
    const lines = renderTable(columns, rows, plain(30))
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "NAME     SIZE   WHAT
      a       1 MiB   short
      日本   20 GiB   a rather long…"
    `)
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(30)
  })

  it('is as wide with colours as without', () => {
    const coloured = { columns: 80, style: makeStyle(true) }
    const cells = (screen: typeof coloured) =>
      rows.map(([first = '', ...rest]) => [{ text: first, paint: screen.style.red }, ...rest])
    const bare = renderTable(columns, cells(plain()), plain())
    const painted = renderTable(columns, cells(coloured), coloured)
    expect(painted.map(widthOf)).toEqual(bare.map(widthOf))
    expect(painted.join()).toContain('\u001b[31m')
    expect(bare.join()).not.toContain('\u001b')
  })
})

describe('text', () => {
  it.each([
    ['hello', 5, 'hello'],
    ['hello', 4, 'hel…'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['x', 0, ''],
  ])('%s cut to %d columns is %s', (text, width, expected) => {
    expect(cut(text, width)).toBe(expected)
  })

  it('keeps two spaces between the ends of a line that is too long', () => {
    expect(spread('left', 'right', 20)).toBe('left           right')
    expect(spread('left', 'right', 5)).toBe('left  right')
  })

  it('shows control characters instead of obeying them', () => {
    expect(printable('a\u001b[2Jb\u0007\u009bc\rd\te')).toBe('a\\x1b[2Jb\\x07\\x9bc\\rd\te')
    expect(printable('name\u202egnp.exe')).toBe('name\\u202egnp.exe')
  })
})

describe('quantities', () => {
  it.each([
    [0, '0 ms'],
    [85.4, '85 ms'],
    [100, '0.1 s'],
    [1234, '1.2 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min 00 s'],
    [185_000, '3 min 05 s'],
  ])('%d ms reads %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [12.34 * 2 ** 20, '12.3 MiB'],
    [1023.9 * 2 ** 20, '1 GiB'],
    [20 * 2 ** 30, '20 GiB'],
    [5 * 2 ** 50, '5120 TiB'],
  ])('%d bytes read %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })
})
