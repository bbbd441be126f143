import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultLabName } from '../../src/config/identity.ts'
import { labJsonSchema } from '../../src/config/json-schema.ts'
import { loadLab } from '../../src/config/load.ts'
import { parseLab } from '../../src/config/parse.ts'

let directory: string

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-config-')))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('finding lab.yml', () => {
  it('works from any directory below it, and the nearest one counts', async () => {
    await mkdir(join(directory, 'inner/deep'), { recursive: true })
    await writeFile(join(directory, 'lab.yml'), 'name: outer\n')
    expect((await loadLab(join(directory, 'inner/deep'))).lab.name).toBe('outer')
    await writeFile(join(directory, 'inner/lab.yml'), 'name: inner\n')
    const { lab, file } = await loadLab(join(directory, 'inner/deep'))
    expect(lab.name).toBe('inner')
    expect(file).toBe(join(directory, 'inner/lab.yml'))
    expect(lab.stateDirectory).toBe(join(directory, 'inner/.lab'))
  })

  it('gives one directory one identity, through symbolic links too, and another directory another', async () => {
    await mkdir(join(directory, 'one'))
    await mkdir(join(directory, 'two'))
    await writeFile(join(directory, 'one/lab.yml'), 'name: same\n')
    await writeFile(join(directory, 'two/lab.yml'), 'name: same\n')
    await symlink(join(directory, 'one'), join(directory, 'link'))
    const id = async (name: string) => (await loadLab(join(directory, name))).lab.id
    expect(await id('one')).toMatch(/^same-[0-9a-f]{6}$/)
    expect(await id('link')).toBe(await id('one'))
    expect(await id('two')).not.toBe(await id('one'))
  })

  it('names the file relative to where the user is', async () => {
    await mkdir(join(directory, 'inner'))
    await writeFile(join(directory, 'lab.yml'), 'nam: x\n')
    await expect(loadLab(join(directory, 'inner'))).rejects.toThrow(
      '../lab.yml:1:1: unknown key "nam"; did you mean "name"?',
    )
  })

  it('says so where there is no such directory', async () => {
    const nowhere = join(directory, 'nope')
    await expect(loadLab(nowhere)).rejects.toMatchObject({ exitCode: 64, message: `there is no directory ${nowhere}` })
  })

  it('says what to do where there is none', async () => {
    await expect(loadLab(directory)).rejects.toMatchObject({
      code: 'NO_LAB_FILE',
      exitCode: 64,
      hint: expect.stringContaining('lab.yml') as string,
    })
  })
})

it.each([
  ['/home/me/My Lab', 'my-lab'],
  ['/', 'lab'],
  ['/srv/__x__', 'x'],
])('a lab in %s without a name is called %s', (path, name) => {
  expect(defaultLabName(path)).toBe(name)
})

describe('what comes with lab', () => {
  const root = new URL('../../', import.meta.url)

  it('has a lab.schema.json that says what the code checks (`npm run test:unit -- -u` writes it)', async () => {
    const path = new URL('lab.schema.json', root).pathname
    await expect(`${JSON.stringify(labJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(path)
  })

  it('has a lab.yml that names its schema and is the classic lab', async () => {
    const text = await readFile(new URL('lab.yml', root), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/lab\.schema\.json$/m)
    const options = { file: 'lab.yml', defaultName: 'classic' }
    expect(parseLab(text, options).nodes).toEqual(parseLab('', options).nodes)
  })
})
