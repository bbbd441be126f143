import { readFile } from 'node:fs/promises'
import Handlebars from 'handlebars'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

interface Compose {
  readonly services: Record<
    string,
    {
      readonly healthcheck: { readonly test: readonly string[] }
      readonly volumes?: readonly (string | { readonly type: string; readonly target: string })[]
    }
  >
  readonly volumes?: Record<string, unknown>
}

const read = (path: string) => readFile(new URL(`../../apps/${path}`, import.meta.url), 'utf8')

test("mongo's health check sends a well-formed ping in MongoDB's wire protocol", async () => {
  const { services } = parse(await read('mongo/compose.yml')) as Compose
  const script = services['mongo']?.healthcheck.test[3] ?? ''
  const sent = /printf '([^']*)'/.exec(script)?.[1]?.replace('$$', '$') ?? ''
  const bytes = Buffer.from(
    sent.replace(/\\([0-7]{1,3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    'latin1',
  )
  expect(bytes.readInt32LE(0)).toBe(bytes.length)
  expect(bytes.readInt32LE(12)).toBe(2013)
  expect(bytes.readInt32LE(21)).toBe(bytes.length - 21)
  expect(bytes.subarray(25).toString('latin1')).toBe('\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0')
})

test('mongo keeps everything in one volume: what its image declares beside it is no volume', async () => {
  const { services, volumes } = parse(await read('mongo/compose.yml')) as Compose
  expect(Object.keys(volumes ?? {})).toEqual(['data'])
  expect(services['mongo']?.volumes).toEqual(['data:/data/db', { type: 'tmpfs', target: '/data/configdb' }])
})

test("nginx's configuration takes exactly the parameters of params.yml", async () => {
  const template = await read('nginx/nginx.conf.hbs')
  const params = parse(await read('nginx/params.yml')) as Record<string, unknown>
  const config = Handlebars.compile(template, { strict: true, noEscape: true })(params)
  expect(config).toContain('set $upstream nodeapp;')
  expect(config).toContain('proxy_pass http://$upstream:3000;')
  for (const name of Object.keys(params)) expect(template).toContain(`{{${name}}}`)
})

test.each(['nodeapp/package-lock.json', 'mongo/go.sum'])('%s pins everything and names no registry', async (file) => {
  const text = await read(file)
  expect(text.length).toBeGreaterThan(1000)
  expect(text).not.toMatch(/https?:\/\//)
})
