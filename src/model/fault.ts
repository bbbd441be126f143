/** What `lab chaos` does to a node. */
export const FAULT_KINDS = ['kill', 'pause', 'cut', 'fill', 'engine', 'sshd', 'leader'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** Each in a few words, as a person would say it of a node. */
export const FAULT_WORDS: Readonly<Record<FaultKind, string>> = {
  kill: 'cut the power of',
  pause: 'pause',
  cut: 'cut off the network of',
  fill: 'fill the pool of',
  engine: 'restart the engine of',
  sshd: 'stop the SSH server of',
  leader: 'cut the power of the leader,',
}
