import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HEAD_BYTES, readBundleHead, writeBundleHead, type BundleHead } from '../../src/model/bundle.ts'

const PLATFORM = `${process.platform}-${process.arch}`

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-bundle-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** A bundle whose lab is a script that says what it was told. */
function makeBundle(change: Partial<BundleHead> = {}): string {
  const program = join(directory, 'made/.program')
  mkdirSync(join(program, 'dist'), { recursive: true })
  writeFileSync(join(program, 'dist/.built'), '')
  writeFileSync(join(directory, 'made/lab'), '#!/bin/sh\necho "$@" >>"${0%/lab}/told"\n', { mode: 0o755 })
  const archive = execFileSync('tar', ['-czf', '-', '-C', join(directory, 'made'), '.'])
  const images = Buffer.from('images')
  const head = {
    lab: 'shop',
    version: '1.2.3',
    platform: PLATFORM,
    programBytes: archive.length,
    imagesBytes: images.length,
    sha256: createHash('sha256').update(archive).update(images).digest('hex'),
    ...change,
  }
  const file = join(directory, 'shop.lab-bundle')
  writeFileSync(file, Buffer.concat([writeBundleHead(head), archive, images]))
  return file
}

const unpack = (file: string, ...more: readonly string[]) =>
  spawnSync('sh', [file, ...more], { cwd: directory, encoding: 'utf8' })

it('a head says the same when it is read', () => {
  const head = { lab: 'shop', version: '1.2.3', platform: PLATFORM, programBytes: 7, imagesBytes: 8, sha256: 'ab' }
  const bytes = writeBundleHead(head)
  expect(bytes).toHaveLength(HEAD_BYTES)
  expect(readBundleHead(bytes, 'x')).toEqual(head)
})

it('what is no head, or one of another format, is refused', () => {
  expect(() => readBundleHead(Buffer.from('#!/bin/sh\necho\n'), 'x')).toThrow('this is not a bundle')
  expect(() => readBundleHead(Buffer.alloc(0), 'x')).toThrow('this is not a bundle')
  const newer = writeBundleHead({ lab: 'a', version: '9', platform: 'p', programBytes: 1, imagesBytes: 1, sha256: 'a' })
  const text = newer.toString().replace('LAB_BUNDLE=1', 'LAB_BUNDLE=2')
  expect(() => readBundleHead(Buffer.from(text), 'x')).toThrow('format 2, made by lab 9')
})

describe('the head, run by a shell,', () => {
  it('unpacks the lab and has its images loaded; the same again loads them again', () => {
    const file = makeBundle()
    const first = unpack(file)
    expect(first).toMatchObject({ status: 0 })
    expect(first.stdout).toContain('now: cd shop && ./lab up')
    expect(lstatSync(join(directory, 'shop/lab')).mode & 0o111).not.toBe(0)
    expect(unpack(file).status).toBe(0)
    expect(readFileSync(join(directory, 'shop/told'), 'utf8')).toBe(`bundle load ${file}\nbundle load ${file}\n`)
  })

  it('unpacks to the directory it is told', () => {
    expect(unpack(makeBundle(), 'else where').status).toBe(0)
    expect(existsSync(join(directory, 'else where/lab'))).toBe(true)
  })

  it.each([
    ['damaged', (bytes: Buffer) => bytes.fill(0xff, HEAD_BYTES + 5, HEAD_BYTES + 9), {}],
    ['not whole', (bytes: Buffer) => bytes.subarray(0, -3), {}],
    ['is for plan9-mips', (bytes: Buffer) => bytes, { platform: 'plan9-mips' }],
  ])('refuses a file that is "%s" and writes nothing', (said, spoil, change) => {
    const file = makeBundle(change)
    writeFileSync(file, spoil(readFileSync(file)))
    const { status, stderr } = unpack(file)
    expect(status).toBe(1)
    expect(stderr).toContain(said)
    expect(existsSync(join(directory, 'shop'))).toBe(false)
  })

  it('leaves a directory alone that is something else', () => {
    mkdirSync(join(directory, 'shop'))
    writeFileSync(join(directory, 'shop/mine'), 'x')
    const { status, stderr } = unpack(makeBundle())
    expect(status).toBe(1)
    expect(stderr).toContain('shop is there already')
    expect(existsSync(join(directory, 'shop/lab'))).toBe(false)
  })

  it('says how it is used', () => {
    expect(unpack(makeBundle(), '--help')).toMatchObject({ status: 0 })
    expect(existsSync(join(directory, 'shop'))).toBe(false)
  })
})
