import { expect, test } from 'vitest'
import { checkDeclared, required, variableValues } from '../../src/model/variables.ts'

const DECLARED = { port: 80, name: 'web', debug: false, hosts: ['a'], version: required('text') }

test('a variable has the type of its declaration, whatever it was written as; the last source goes first', () => {
  const values = variableValues(DECLARED, [
    { where: 'vars in lab.yml', values: { port: '81', name: 7, version: 3 } },
    { where: '--var', values: { port: '82', debug: 'true', hosts: 'b,c' } },
  ])
  expect({ ...values }).toEqual({ port: 82, name: '7', debug: true, hosts: ['b', 'c'], version: '3' })
  expect({ ...variableValues({ port: 80 }, []) }).toEqual({ port: 80 })
})

test.each([
  [{ port: 'eighty' }, '--var: "port" must be a number'],
  [{ port: '' }, '--var: "port" must be a number'],
  [{ debug: 'yes' }, '--var: "debug" must be true or false'],
  [{ name: ['a'] }, '--var: "name" must be a text'],
])('%j is bad input', (given, message) => {
  expect(() => variableValues(DECLARED, [{ where: '--var', values: given }])).toThrow(message)
})

test('a value that must be set is missed where it is used, with what to type', () => {
  const values = variableValues(DECLARED, [])
  expect(values.port).toBe(80)
  expect(() => values.version).toThrow('the variable "version" is not set')
})

test('what the playbook does not declare is a typing error', () => {
  expect(() => {
    checkDeclared(DECLARED, { prot: '1' })
  }).toThrow(expect.objectContaining({ exitCode: 64, hint: 'did you mean "port"?' }))
})

test('a variable that was not declared is missed where it is used, and not taken for undefined', () => {
  const values: object = variableValues(DECLARED, [{ where: '--var', values: { version: '3' } }])
  expect(() => (values as { readonly prot: string }).prot).toThrow(
    expect.objectContaining({ exitCode: 64, message: 'unknown variable "prot"', hint: 'did you mean "port"?' }),
  )
  expect(JSON.parse(JSON.stringify(values))).toMatchObject({ port: 80, version: '3' })
})
