import type { OpenLab } from './open-lab.ts'

interface MachineChange {
  readonly path: string
  readonly from?: string
  readonly to?: string
}

/** Says in a plan what is pending for a machine, or for what belongs to it. */
export function machineStep({ emit }: Pick<OpenLab, 'emit'>, node: string, title: string, change: MachineChange): void {
  emit({
    type: 'step',
    node,
    play: 'Machines',
    kind: 'machine',
    title,
    outcome: 'would-change',
    changes: [change],
    durationMs: 0,
  })
}
