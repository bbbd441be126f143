import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { script } from '../../src/steps/script.ts'
import { consider, path } from './step-case.ts'

let directory: string
const write = (name: string, text: string) => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-script-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const argv = async (text: string, interpreter?: readonly string[]) => {
  const options = { file: write('it.sh', text), args: ['a b'], creates: '/x' }
  const step = script(interpreter === undefined ? options : { ...options, interpreter })
  return (await consider(step, { 'path:/x': path() })).commands[0]?.argv.slice(4)
}

test('its first line says what runs it, as in a kernel: a program and one argument; else it is sh', async () => {
  expect(await argv('#!/usr/bin/perl -w -T\n')).toEqual(['2', '/usr/bin/perl', '-w -T', 'a b'])
  expect(await argv('#! /bin/bash\n')).toEqual(['1', '/bin/bash', 'a b'])
  expect(await argv('echo\n')).toEqual(['1', 'sh', 'a b'])
  expect(await argv('#!/bin/bash\n', ['sh', '-x'])).toEqual(['2', 'sh', '-x', 'a b'])
})

test('its text travels on standard input, and only where its test says so', async () => {
  const step = script({ file: pathToFileURL(write('make.sh', 'make it\n')), creates: '/x' })
  expect(step.title).toBe('run make.sh')
  const { commands } = await consider(step, { 'path:/x': path() })
  expect(Buffer.from(commands[0]?.stdin as Uint8Array).toString()).toBe('make it\n')
  expect((await consider(step, { 'path:/x': path({ type: 'file' }) })).changes).toEqual([])
})

test('a file that is not there is refused at once', () => {
  expect(() => script({ file: '/no/such.sh', always: true })).toThrow('the script /no/such.sh cannot be read')
})
