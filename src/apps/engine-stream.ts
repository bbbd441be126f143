import { createInterface } from 'node:readline'
import { LabError } from '../model/errors.ts'

/** One line of what an engine reports while it pulls, pushes or loads. */
export interface EngineReport {
  readonly status?: string
  readonly id?: string
  readonly stream?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly aux?: unknown
}

/** Reads an engine's reports to their end. Throws `ENGINE` with the engine's own words when the last is an error. */
export async function followEngine(
  stream: NodeJS.ReadableStream,
  onReport: (report: EngineReport) => void = () => undefined,
): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line.trim() === '') continue
    const report = JSON.parse(line) as EngineReport
    if (report.error !== undefined) throw new LabError('ENGINE', report.error)
    onReport(report)
  }
}

/** Adds up the bytes of layers in flight, for a line of progress: `12 of 45 MB`. */
export class LayerProgress {
  private readonly layers = new Map<string, { readonly current: number; readonly total: number }>()
  private shown = ''

  /** The new line to show; undefined when it reads as before. */
  add(report: EngineReport, verb: string): string | undefined {
    const { id, status = '', progressDetail } = report
    if (id === undefined || progressDetail?.total === undefined || !/^(Downloading|Pushing)/.test(status))
      return undefined
    this.layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total })
    const sum = (pick: (layer: { current: number; total: number }) => number) =>
      [...this.layers.values()].reduce((bytes, layer) => bytes + pick(layer), 0)
    const current = sum((layer) => Math.min(layer.current, layer.total))
    const line = `${verb} ${megabytes(current)} of ${megabytes(sum((layer) => layer.total))} MB`
    if (line === this.shown) return undefined
    this.shown = line
    return line
  }
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1_000_000))
}
