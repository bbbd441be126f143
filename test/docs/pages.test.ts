import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = new URL('../..', import.meta.url).pathname
const PAGES: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'))
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')

/** What a heading is called in a link to it. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

test('every link between the pages leads somewhere', () => {
  const broken = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([link, path = '', name]) => {
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(ROOT, target))) return [`${page}: ${link}`]
      const headings =
        name === undefined ? [] : [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchor(text))
      return name === undefined || headings.includes(name) ? [] : [`${page}: ${link}`]
    }),
  )
  expect(broken).toEqual([])
})

test('the README leads to every page for users', () => {
  for (const page of ['docs/tutorial.md', 'docs/steps/README.md', 'docs/from-ansible.md', 'docs/volumes.md'])
    expect(read('README.md')).toContain(`](${page})`)
})
