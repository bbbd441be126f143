import type { LogRecord } from '../model/service-logging.ts'
import type { Style } from './style.ts'
import { padEnd, printable } from './text.ts'

/**
 * One line of a container's log with its time (of this host's zone), node and service in columns that stay aligned.
 * `raw`: what the container wrote goes out as it is, which is for files only.
 */
export function renderLogLine(record: LogRecord, widths: LogWidths, style: Style, raw = false): string {
  widths.node = Math.max(widths.node, record.node.length)
  widths.service = Math.max(widths.service, record.service.length)
  const paints = [style.cyan, style.green, style.yellow, style.bold]
  const paint =
    paints[
      Array.from(record.service, (letter) => letter.charCodeAt(0)).reduce((sum, code) => sum + code, 0) % paints.length
    ]
  const service = padEnd(record.service, widths.service)
  const text = raw ? record.line : printable(record.line)
  return [
    style.dim(clockTime(record.time)),
    padEnd(record.node, widths.node),
    paint?.(service) ?? service,
    record.stream === 'stderr' ? style.red(text) : text,
  ].join('  ')
}

/** Widest names so far; grows as lines come. */
export interface LogWidths {
  node: number
  service: number
}

function clockTime(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return time
  const two = (number: number) => String(number).padStart(2, '0')
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`
}
