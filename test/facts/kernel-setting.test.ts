import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { kernelSetting, settingPath } from '../../src/facts/kernel-setting.ts'

test('reads settings of several parts, and says which ones this kernel lacks', () => {
  const names = ['kernel.ostype', 'net.no.such', 'net.ipv4.ip_local_port_range']
  const family = kernelSetting('kernel.ostype').batch?.family
  const script = `${family?.script(names) ?? ''}; :`
  const stdout = execFileSync('sh', { input: script, encoding: 'utf8' })
  const values = family?.parse({ status: 0, stdout, stderr: '' }, names)
  expect(values?.get('kernel.ostype')).toBe('Linux')
  expect(values?.get('net.no.such')).toBe(null)
  expect(values?.get('net.ipv4.ip_local_port_range')).toMatch(/^\d+ \d+$/)
})

test('dots separate parts, unless slashes do', () => {
  expect(settingPath('net.ipv4.ip_forward')).toBe('/proc/sys/net/ipv4/ip_forward')
  expect(settingPath('net/ipv4/conf/eth0.5/forwarding')).toBe('/proc/sys/net/ipv4/conf/eth0.5/forwarding')
})
