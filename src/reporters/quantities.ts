/** A duration as people read it: `85 ms`, `1.2 s`, `42 s`, `3 min 05 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 100) return `${String(Math.round(milliseconds))} ms`
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${String(seconds)} s`
  return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60).padStart(2, '0')} s`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size as people read it, in powers of 1024: `512 B`, `1.5 KiB`, `20 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  const text = unit === 0 || value >= 99.5 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, '')
  return `${text} ${UNITS[unit] ?? 'B'}`
}

/** A number and what it counts: `1 node`, `3 nodes`. */
export function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`
}
