import type { Check } from '../model/check.ts'
import { within } from './glance.ts'
import type { OpenLab } from './open-lab.ts'
import { servicesWithoutImage } from './supply-images.ts'
import { unasked } from './unasked.ts'

/** Longest a manager and the registry's node may take to say which images are there. */
const IMAGES_MS = 2500

/** Whether the registry has the images of what runs, as a check; none where its node does not answer, which has its own. */
export async function askedImages(open: OpenLab): Promise<readonly Check[]> {
  try {
    const without = await within(IMAGES_MS, open.signal, (signal) => servicesWithoutImage({ ...open, signal }))
    return without === undefined ? [] : [imagesCheck(without.map(({ name }) => name))]
  } catch (error) {
    open.signal.throwIfAborted()
    return [unasked('images', 'lab up', error)]
  }
}

/** Pure: whether what runs could start on a node that does not hold its image; `without` are services that could not. */
export function imagesCheck(without: readonly string[]): Check {
  if (without.length === 0) return { name: 'images', ok: true, detail: 'the registry has those of all services' }
  const detail = `the registry does not have that of ${without.join(', ')}: only nodes that hold it can run it`
  return { name: 'images', ok: false, detail, hint: 'lab up puts it back' }
}
