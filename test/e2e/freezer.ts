import Docker from 'dockerode'
import { freezerOf } from '../../src/providers/docker/freezer.ts'
import { resumeContainer } from '../../src/providers/docker/pause.ts'
import { docker } from './harness.ts'

/**
 * Stops every process of a container, and returns what lets them go on. The engine gives up pausing one whose processes do
 * not all stop within a few hundredths of a second, as on a busy machine; the kernel's freezer stops them when they can be.
 */
export async function freezeContainer(name: string): Promise<() => Promise<void>> {
  try {
    await docker('pause', name)
    return () => resumeContainer(new Docker(), name, name)
  } catch (error) {
    if (!/freeze/i.test(String(error))) throw error
  }
  const freezer = await freezerOf(await docker('inspect', '-f', '{{.Id}}', name))
  if (freezer === undefined) throw new Error(`${name} is in no control group that can be frozen from here`)
  try {
    await freezer.freeze()
  } catch (error) {
    await freezer.thaw()
    throw error
  }
  return () => freezer.thaw()
}
