import { parseComposeFile, type ComposeFile } from '../../src/apps/compose-file.ts'
import type { ComposeConfig } from '../../src/apps/compose-config.ts'
import type { CheckContext } from '../../src/apps/check-config.ts'
import type { StackInputs } from '../../src/apps/stack-file.ts'

/** A Compose file as a user would have written it. */
export function composeFile(text: string, shown = 'compose.yml'): ComposeFile {
  return parseComposeFile({ path: `/app/${shown}`, shown, text })
}

/** What an app called `shop` is judged against in a lab of three workers. */
export function checkContext(change: Partial<CheckContext> = {}): CheckContext {
  return {
    app: 'shop',
    written: {},
    sourceDirectory: '/var/lib/lab/apps/shop/src',
    platform: 'linux/amd64',
    reserved: ['registry', 'logs', 'edge', 'mgmt', 'node1', 'node2', 'node3'],
    workers: ['node1', 'node2', 'node3'],
    edgePorts: [
      { first: 80, last: 80 },
      { first: 8000, last: 8099 },
    ],
    others: [],
    ...change,
  }
}

/** Everything a stack needs beside its Compose file, for whatever services and volumes it has. */
export function stackInputs(config: ComposeConfig, change: Partial<StackInputs> = {}): StackInputs {
  const names = Object.keys(config.services)
  const image = (name: string) => ({
    reference: `registry/${name}@sha256:1`,
    checksWithoutInterval: false,
    source: { tags: [name] },
  })
  return {
    app: 'shop',
    images: new Map(names.map((name) => [name, image(name)])),
    volumes: new Map(
      Object.keys(config.volumes ?? {}).map((key, index) => [key, { name: `shop-${key}`, lockPort: 40001 + index }]),
    ),
    configs: new Map(),
    secrets: new Map(),
    scaled: new Map(),
    deployed: 'digest/1',
    overlayMtu: 1450,
    ...change,
  }
}
