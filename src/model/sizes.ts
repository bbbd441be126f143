const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** How a size reads: a number and a unit, as Docker takes it. Units are powers of 1024, with or without `i` and `B`. */
export const SIZE_PATTERN = /^\s*(\d+(?:\.\d+)?)\s*(?:([kKmMgGtT])(?:[iI]?[bB])?|[bB])?\s*$/

/** Bytes of a size such as `2GiB`, `512M`, `1.5g` or `1073741824`; undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  const match = SIZE_PATTERN.exec(text)
  if (match?.[1] === undefined) return undefined
  const unit = UNITS[(match[2] ?? '').toLowerCase()] ?? 1
  return Math.round(Number(match[1]) * unit)
}
