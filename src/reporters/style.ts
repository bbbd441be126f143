/** Wraps text in a colour or weight; returns it as it is where colours are off. */
export type Paint = (text: string) => string

/** The few ways lab colours its output. What a colour says is always said by a word or sign too. */
export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
}

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

/** The colours of a terminal, or none. */
export function makeStyle(color: boolean): Style {
  const paint =
    (name: keyof typeof CODES): Paint =>
    (text) =>
      color && text !== '' ? `\u001b[${String(CODES[name][0])}m${text}\u001b[${String(CODES[name][1])}m` : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
  }
}

/** What output goes to: how wide it is, and whether it shows colours. */
export interface Screen {
  readonly columns: number
  readonly style: Style
}
