import { expect, test } from 'vitest'
import { imagesCheck } from '../../src/workflows/images-check.ts'
import { lostTexts } from '../../src/workflows/supply-images.ts'
import { aService } from '../swarm/swarm-objects.ts'

test('services whose image is lost are named an app a sentence, with the command that makes it anew', () => {
  const web = aService()
  const db = aService({ id: 's2', labels: { 'lab.service': 'db' } })
  const texts = lostTexts([web, db])
  expect(texts).toHaveLength(1)
  expect(texts[0]).toContain(`the image of ${web.name}, db is gone from the registry`)
  expect(texts[0]).toContain(`"lab deploy ${web.app}" makes it anew`)
  expect(lostTexts([])).toEqual([])
})

test('a registry without the image of a service is a finding', () => {
  expect(imagesCheck([]).ok).toBe(true)
  expect(imagesCheck(['web'])).toEqual({
    name: 'images',
    ok: false,
    detail: 'the registry does not have that of web: only nodes that hold it can run it',
    hint: 'lab up puts it back',
  })
})
