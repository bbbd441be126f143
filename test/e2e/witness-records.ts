/** A record of the witness that was the last one when somebody looked. */
export interface Sampled {
  readonly node: string
  readonly number: number
  readonly task: string
  /** Seconds since 1970. */
  readonly at: number
}

/** What is wrong with the file of the witness, in words. */
export interface Verdict {
  readonly records: number
  readonly writers: number
  readonly faults: readonly string[]
}

/**
 * Pure: judges the file that is left in the end. Every record that was seen must be in it, by the same writer; numbers
 * must run on without gap or repetition, writers must follow one another, and time must not run back.
 */
export function judgeRecords(text: string, seen: readonly Sampled[]): Verdict {
  const lines = text.split('\n').filter((line) => line !== '')
  const faults: string[] = []
  const tasks = new Set<string>()
  let before: readonly string[] = ['0', '', '0']
  for (const line of lines) {
    const fields = line.split(' ')
    const [number = '', task = '', stamp = ''] = fields
    if (fields.length !== 3) faults.push(`not a record: ${line}`)
    if (Number(number) !== Number(before[0]) + 1) faults.push(`${line} comes after ${before.join(' ')}`)
    if (task !== before[1] && tasks.has(task)) faults.push(`${task} writes again after another one did: ${line}`)
    if (Number(stamp) < Number(before[2])) faults.push(`${line} was written before ${before.join(' ')}`)
    tasks.add(task)
    before = fields
  }
  const kept = new Map(lines.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1]]))
  for (const { number, task, node } of seen) {
    if (kept.get(number) !== task) faults.push(`record ${String(number)} of ${task} was on ${node} and is lost`)
  }
  return { records: lines.length, writers: tasks.size, faults: [...new Set(faults)] }
}
