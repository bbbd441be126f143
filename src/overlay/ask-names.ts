import { LabError } from '../model/errors.ts'
import { runInProbe, type Probe } from './probe.ts'

/** The name server that containers use. */
const SERVER = '127.0.0.11'
/** Most names for one run of dig. */
const BATCH = 100

/** What one node's containers are told for each name: sorted addresses, none when the name is unknown. */
export type Answers = ReadonlyMap<string, readonly string[]>

/** Asks a node for names as a container there would. Throws `NO_DNS` when the name server does not answer. */
export async function askNames(probe: Probe, names: readonly string[], signal?: AbortSignal): Promise<Answers> {
  const answers = new Map<string, readonly string[]>()
  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH)
    const result = await runInProbe(probe, digArguments(batch), {
      timeoutMs: batchMs(batch.length),
      ...(signal === undefined ? {} : { signal }),
    })
    for (const [name, addresses] of readAnswers(batch, result.stdout)) answers.set(name, addresses)
    if (result.status !== 0 && !batch.some((name) => answers.has(name))) {
      throw new LabError(
        'NO_DNS',
        `the name server of containers does not answer: ${lastLine(result.stdout, result.stderr)}`,
        {
          where: probe.connection.node,
          hint: 'lab doctor',
        },
      )
    }
  }
  return answers
}

/** Longest that asking a node for so many names takes, in milliseconds: a name server may answer none of them. */
export function askMs(names: number): number {
  const full = Math.floor(names / BATCH)
  return full * batchMs(BATCH) + (names % BATCH === 0 ? 0 : batchMs(names % BATCH))
}

function batchMs(names: number): number {
  return 5000 + names * 100
}

/** Arguments that ask for all names in one process. A reply of 8192 bytes holds the addresses of 500 tasks. */
function digArguments(names: readonly string[]): readonly string[] {
  const options = ['+noall', '+question', '+answer', '+comments', '+time=2', '+tries=2', '+bufsize=8192', '+nosearch']
  return ['dig', `@${SERVER}`, ...options, ...names.flatMap((name) => [`${name}.`, 'A'])]
}

/** Pure: addresses by name from dig's output. Names that got no reply at all are missing. */
export function readAnswers(names: readonly string[], output: string): Answers {
  const asked = new Map<string, Set<string>>()
  for (const line of output.split('\n')) {
    const question = /^;(\S+)\.\s+IN\s+A$/.exec(line)
    if (question?.[1] !== undefined)
      asked.set(question[1].toLowerCase(), asked.get(question[1].toLowerCase()) ?? new Set())
    const answer = /^(\S+)\.\s+\d+\s+IN\s+A\s+(\S+)$/.exec(line)
    if (answer?.[1] !== undefined && answer[2] !== undefined) asked.get(answer[1].toLowerCase())?.add(answer[2])
  }
  const found = names.filter((name) => asked.has(name.toLowerCase()))
  return new Map(found.map((name) => [name, sortAddresses([...(asked.get(name.toLowerCase()) ?? [])])]))
}

/** Addresses in the order of their numbers, so that lists can be compared and read. */
export function sortAddresses(addresses: readonly string[]): readonly string[] {
  const key = (address: string) =>
    address
      .split('.')
      .map((part) => part.padStart(3, '0'))
      .join('.')
  return [...addresses].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** True when two lists hold the same addresses, whatever their order. */
export function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && sortAddresses(a).join() === sortAddresses(b).join()
}

function lastLine(...texts: readonly string[]): string {
  return texts.join('\n').trim().split('\n').at(-1) ?? ''
}
