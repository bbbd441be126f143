import { expect, test } from 'vitest'
import { loopbackProxies, proxyForNodes, proxyUrl } from '../../src/model/proxy.ts'

test('an address of a proxy may leave out what it speaks', () => {
  expect(proxyUrl('proxy:3128')?.port).toBe('3128')
  expect(proxyUrl('http://me:secret@proxy:3128')?.password).toBe('secret')
  expect(proxyUrl('http://')).toBeUndefined()
})

test('proxies on the loopback are told from others', () => {
  const proxy = {
    HTTP_PROXY: 'http://127.0.0.1:3128',
    HTTPS_PROXY: 'localhost:3128',
    http_proxy: 'http://[::1]:3128',
    https_proxy: 'http://proxy.example:3128',
    NO_PROXY: '127.0.0.1',
  }
  expect(loopbackProxies(proxy)).toEqual(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy'])
})

test('nodes are given an address they reach, with the same password', () => {
  const proxy = { HTTP_PROXY: 'http://me:se%40cret@127.0.0.1:3128', NO_PROXY: 'localhost' }
  expect(proxyForNodes(proxy, new Map([['HTTP_PROXY', '10.90.0.1']]))).toEqual({
    HTTP_PROXY: 'http://me:se%40cret@10.90.0.1:3128',
    NO_PROXY: 'localhost',
  })
  expect(proxyForNodes(proxy, new Map())).toEqual(proxy)
})
