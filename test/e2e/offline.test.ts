import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeBundleHead } from '../../src/model/bundle.ts'
import { container, docker, ensureSample, lab, labEvents } from './harness.ts'

/** As lab tags what it builds. */
const KEY = 'c0ffee'.padEnd(40, '0')
const GONE = `registry.lab.local:5000/gone/app:${KEY}`
const BY_HAND = 'registry.lab.local:5000/mine/tool:1.0'

interface Pruned {
  readonly type: string
  readonly bytes: number
  readonly parts: readonly { readonly place: string; readonly kind: string; readonly items: readonly string[] }[]
}

const onMgmt = async (script: string) => docker('exec', await container('mgmt'), 'sh', '-euc', script)

/** What `lab prune` says of the registry. */
async function prune(...options: readonly string[]) {
  const { ran, last } = await labEvents(['prune', '--lab-only', ...options])
  const { type, parts } = last as unknown as Pruned
  expect(type).toBe('pruned')
  return { exitCode: ran.exitCode, items: parts.flatMap(({ kind, items }) => (kind.startsWith('images') ? items : [])) }
}

describe('lab prune', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    await ensureSample()
    // A layer of its own each, so that there is something to free.
    await onMgmt(
      [GONE, BY_HAND]
        .map(
          (name) =>
            `printf 'FROM scratch\\nLABEL n=%s\\nCOPY hosts /h\\n' ${name} | docker build -q -t ${name} -f - /etc`,
        )
        .concat([`docker push -q ${GONE}`, `docker push -q ${BY_HAND}`])
        .join('\n'),
    )
  }, 280_000)
  afterAll(async () => {
    // Not with --all: other tests of this lab would have to download again what they build with.
    await onMgmt(`docker rmi ${BY_HAND} ${GONE} || true`)
  }, 120_000)

  it('says what nothing needs, removes it, and finds nothing of it again; what runs can still be pulled', async () => {
    const before = await prune('--check')
    expect(before.exitCode).toBe(2)
    expect(before.items).toContain(`gone/app:${KEY}`)
    expect(before.items.join(' ')).not.toContain('mine/tool')
    expect((await prune('--check')).items).toEqual(before.items)

    expect((await prune('--yes')).items).toContain(`gone/app:${KEY}`)
    const after = await prune('--check')
    expect(after.items.join(' ')).not.toContain('gone/app')
    await expect(onMgmt(`docker pull -q ${GONE}`)).rejects.toThrow()
    // The registry is back, with all that is used.
    expect(await onMgmt(`docker rmi ${BY_HAND} >/dev/null; docker pull -q ${BY_HAND}`)).toContain('mine/tool')
    const images = await onMgmt(
      `docker service ls -q | xargs docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}'`,
    )
    for (const image of images.split('\n').filter((line) => line !== '')) await onMgmt(`docker pull -q ${image}`)
  })
})

describe('what cannot be', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-bundles-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it.each([
    ['nothing', Buffer.from('hello'), 'this is not a bundle'],
    ['half', Buffer.concat([head('linux-x64'), Buffer.from('ab')]), 'not whole: 8194 bytes of 8198'],
    ['foreign', Buffer.concat([head('plan9-mips'), Buffer.from('abcdef')]), 'is for plan9-mips'],
    ['damaged', Buffer.concat([head(`${process.platform}-${process.arch}`), Buffer.from('abcdef')]), 'its checksum is'],
  ])('a bundle that is %s is refused before anything is loaded', async (name, bytes, said) => {
    const file = join(directory, name)
    await writeFile(file, bytes)
    const { exitCode, stdout, stderr } = await lab(['bundle', 'load', file], { cwd: directory })
    expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({
      exitCode: 64,
      said: expect.stringContaining(said) as string,
    })
  })

  it('a bundle never takes the place of another file', async () => {
    const file = join(directory, 'precious')
    await writeFile(file, 'x')
    const { exitCode, stdout, stderr } = await lab(['bundle', file])
    expect(exitCode).toBe(64)
    expect(`${stdout}${stderr}`).toContain('is there already and is not a bundle')
  })

  it('a proxy that no node can reach is refused by up, without its password', async () => {
    const proxy = 'http://me:sesame-open@127.0.0.1:9'
    const { exitCode, stdout, stderr } = await lab(['up'], { env: { HTTPS_PROXY: proxy } })
    expect(exitCode).toBe(64)
    expect(`${stdout}${stderr}`).toContain('HTTPS_PROXY is http://***@127.0.0.1:9')
    expect(`${stdout}${stderr}`).not.toContain('sesame')
  })
})

function head(platform: string): Buffer {
  return writeBundleHead({
    lab: 'x',
    version: '1.0.0',
    platform,
    programBytes: 3,
    imagesBytes: 3,
    sha256: 'a'.repeat(64),
  })
}
