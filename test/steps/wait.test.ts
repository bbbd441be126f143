import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { connects, httpAnswer, listens, portListens } from '../../src/facts/readiness.ts'
import { wait, type WaitOptions } from '../../src/steps/wait.ts'
import { consider, path, unit } from './step-case.ts'

const changes = async (wanted: WaitOptions, fact: unknown) => {
  const step = wait(wanted)
  return (await consider(step, { [step.queries[0]?.key ?? '']: fact })).changes
}
const condition = (from: string, to: string) => [{ path: 'condition', from, to }]

test('what is so already is not waited for; what is not is named with what there is instead', async () => {
  expect(await changes({ port: 80 }, true)).toEqual([])
  expect(await changes({ port: 80, host: 'db' }, false)).toEqual(condition('closed', 'port 80 of db is open'))
  expect(await changes({ unit: 'web' }, unit())).toEqual([])
  expect(await changes({ unit: 'web' }, unit({ active: 'activating' }))).toEqual(
    condition('activating', 'web.service is active'),
  )
  expect(await changes({ path: '/run/x' }, path())).toEqual(condition('absent', '/run/x is there'))
  expect(await changes({ until: 'true', title: 'it is so' }, false)).toEqual(condition('not yet', 'it is so'))
})

test('any success will do as an answer, unless a status is named', async () => {
  const http = 'http://web/'
  expect(await changes({ http }, 204)).toEqual([])
  expect(await changes({ http }, undefined)).toEqual(condition('no answer', 'http://web/ answers'))
  expect(await changes({ http }, 500)).toEqual(condition('500', 'http://web/ answers'))
  expect(await changes({ http, status: 401 }, 401)).toEqual([])
})

test('the deadline of the command is later than that of the waiting', async () => {
  const step = wait({ port: 80, deadlineMs: 1500 })
  const { commands } = await consider(step, { 'listening:80': false })
  expect(commands).toMatchObject([{ timeoutMs: 12_000 }])
  expect(commands[0]?.argv.at(-1)).toBe('2')
})

test('the kernel lists ports in hexadecimal; only those that are listened on count', () => {
  const stdout = `  sl  local_address
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   1: 0100007F:0050 0100007F:C350 01 00000000:00000000
`
  const ask = (port: number) => portListens(port).parse({ status: 0, stdout, stderr: '' })
  expect([ask(8080), ask(80), ask(81)]).toEqual([true, false, false])
})

test('a shell without any other program sees a port and an answer', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/a?b=c' ? 204 : 404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const run = async (text: string) => {
    const { execa } = await import('execa')
    const { exitCode, stdout } = await execa('sh', ['-c', text], { reject: false, stripFinalNewline: false })
    return { status: exitCode ?? 1, stdout, stderr: '' }
  }
  const url = `http://127.0.0.1:${String(port)}/a?b=c`
  expect(httpAnswer(url).parse(await run(httpAnswer(url).script))).toBe(204)
  expect((await run(connects('127.0.0.1', port))).status).toBe(0)
  expect(spawnSync('sh', ['-c', listens(port)]).status).toBe(0)
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  expect(httpAnswer(url).parse(await run(httpAnswer(url).script))).toBeUndefined()
  expect((await run(connects('127.0.0.1', port))).status).not.toBe(0)
  expect(spawnSync('sh', ['-c', listens(port)]).status).not.toBe(0)
})

test('what nobody could wait for is refused', () => {
  expect(() => wait({ port: 70_000 })).toThrow('not a port')
  expect(() => wait({ port: 80, host: '$(id)' })).toThrow('not a host')
  expect(() => wait({ http: 'file:///etc/passwd' })).toThrow('not a http:// or https:// URL')
  expect(() => wait({ path: '/x', deadlineMs: 0 })).toThrow('not positive')
})
