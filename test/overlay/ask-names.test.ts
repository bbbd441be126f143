import { describe, expect, test } from 'vitest'
import { readAnswers, sameAddresses, sortAddresses } from '../../src/overlay/ask-names.ts'

const OUTPUT = `;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 60975
;; flags: qr rd ra; QUERY: 1, ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 0

;; QUESTION SECTION:
;web.				IN	A

;; ANSWER SECTION:
web.			600	IN	A	10.1.240.29
web.			600	IN	A	10.1.240.3
web.			600	IN	A	10.1.240.133

;; Got answer:
;; WARNING: .local is reserved for Multicast DNS
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 40338

;; QUESTION SECTION:
;gone.lab.local.			IN	A
;; communications error to 127.0.0.11#53: timed out
`

describe('answers of the name server', () => {
  const answers = readAnswers(['web', 'gone.lab.local', 'silent'], OUTPUT)

  test('are all addresses of a name, in order', () => {
    expect(answers.get('web')).toEqual(['10.1.240.3', '10.1.240.29', '10.1.240.133'])
  })

  test('are empty for a name that is not known', () => {
    expect(answers.get('gone.lab.local')).toEqual([])
  })

  test('are missing for a question without a reply', () => {
    expect(answers.has('silent')).toBe(false)
  })
})

test('addresses are sorted as numbers and compared as sets', () => {
  expect(sortAddresses(['10.0.0.10', '10.0.0.9', '9.0.0.1'])).toEqual(['9.0.0.1', '10.0.0.9', '10.0.0.10'])
  expect(sameAddresses(['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.0.0.1'])).toBe(true)
  expect(sameAddresses(['10.0.0.1'], ['10.0.0.1', '10.0.0.2'])).toBe(false)
})
