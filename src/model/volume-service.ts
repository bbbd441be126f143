/** The service of a volume. */
export interface VolumeService {
  readonly id: string
  readonly name: string
  readonly image: string
  /** Longest the engine lets its containers take to stop. */
  readonly stopGraceMs: number
  readonly healthChecked: boolean
}
