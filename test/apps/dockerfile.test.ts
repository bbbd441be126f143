import { expect, test } from 'vitest'
import { dockerfileNeeds, withoutSyntaxLine } from '../../src/apps/dockerfile.ts'

test('the images of all stages are found, stages themselves are none', () => {
  const text = `# syntax=docker/dockerfile:1
ARG BASE=node:20
FROM --platform=$BUILDPLATFORM \${BASE} AS build
COPY --from=golang:1.22 /go /go
RUN --mount=type=bind,from=alpine,target=/a true
FROM build
FROM scratch
COPY --from=build /a /a
COPY --from=0 /a /b
`
  expect(dockerfileNeeds(text, {}).images).toEqual(['node:20', 'golang:1.22', 'alpine'])
  expect(dockerfileNeeds(text, { BASE: 'node:22' }).images[0]).toBe('node:22')
})

test('lines that go on, comments and here-documents are read as the builder reads them', () => {
  const text = `FROM \\
  debian:trixie-slim
# FROM nothing
RUN <<EOF
FROM inside
EOF
`
  expect(dockerfileNeeds(text, {}).images).toEqual(['debian:trixie-slim'])
})

test.each([
  ['# syntax=docker/dockerfile:1\nFROM x\n', '#\nFROM x\n'],
  ['#syntax = docker/dockerfile:1.7\nFROM x\n', '#\nFROM x\n'],
  ['# syntax=docker/dockerfile:1-labs\nFROM x\n', '# syntax=docker/dockerfile:1-labs\nFROM x\n'],
  ['# syntax=example.org/mine\nFROM x\n', '# syntax=example.org/mine\nFROM x\n'],
])('only the ordinary frontend is taken for built in: %j', (text, result) => {
  expect(withoutSyntaxLine(text)).toBe(result)
})
