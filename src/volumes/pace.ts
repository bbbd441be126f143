import { bytesText } from '../model/bytes-text.ts'

/** Least time between two lines of progress. */
const PROGRESS_MS = 500

/**
 * Makes of counts of bytes, now and then, a line: how far, how fast, and how long it takes yet where the whole is known.
 */
export function paced(
  totalBytes: number | undefined,
  show: (line: string) => void,
  now: () => number = () => performance.now(),
): (bytes: number) => void {
  const started = now()
  let shown = started
  return (bytes) => {
    const at = now()
    if (at - shown < PROGRESS_MS) return
    shown = at
    const rate = (bytes / (at - started)) * 1000
    const left = totalBytes === undefined ? undefined : (totalBytes - bytes) / Math.max(1, rate)
    // What is left of more than was expected is not known.
    const rest = left === undefined || left < 0 ? '' : `, about ${left.toFixed(0)} s left`
    show(`${bytesText(bytes)}, ${bytesText(rate)}/s${rest}`)
  }
}
