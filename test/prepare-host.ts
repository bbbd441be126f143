import { openTestLab } from './test-lab.ts'

/** Makes the host's engine and the images of nodes ready, once, before files that start nodes run beside each other. */
export default async function setup(): Promise<void> {
  const { open, close } = await openTestLab([])
  try {
    await open.provider.prepare((text) => process.stderr.write(`${text}\n`), open.signal)
  } finally {
    await close()
  }
}
