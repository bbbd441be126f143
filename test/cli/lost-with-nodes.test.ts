import { expect, test } from 'vitest'
import { lostText } from '../../src/cli/lost-with-nodes.ts'

test('a question about nodes names what goes with them: disks, logs, images', () => {
  expect(lostText({ disks: [], logs: undefined, registry: undefined })).toBe('')
  const all = lostText({ disks: ['fast of n1', 'slow of n2'], logs: 'n1', registry: 'n1' })
  expect(all).toContain(', with all that is on the disk fast of n1, slow of n2, with what all containers logged')
  expect(all).toContain('lab logs -n all > FILE keeps it')
  expect(all).toContain('images in the registry on n1')
})
